-- SET SESSION AUTHORIZATION, undone with its transaction.
begin;
set session authorization diff_a;
select session_user;
rollback;
select session_user;
begin;
set local session authorization diff_a;
select session_user;
commit;
select session_user;
begin;
set session authorization diff_a;
commit;
select session_user;
show session_authorization;
select current_setting('is_superuser');
reset session authorization;
select session_user, current_setting('is_superuser');
