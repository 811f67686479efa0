-- A setting of one's own, rolled back and local.
begin;
set my.rolled = 'a';
show my.rolled;
rollback;
select current_setting('my.rolled', true) = '' as empty;
begin;
set local my.rolled = 'b';
show my.rolled;
commit;
select current_setting('my.rolled', true) = '' as empty;
set my.rolled = 'c';
begin;
set my.rolled = 'd';
rollback;
show my.rolled;
