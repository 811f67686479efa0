-- Defaults, generated columns, checks, domains and rules that do more than compute.
create function seen(what text) returns text language plpgsql as
$$ begin perform set_config('my.seen', what, false); return what; end $$;
create function checked(n int) returns bool language plpgsql immutable as
$$ begin perform set_config('my.checked', n::text, false); return n > 0; end $$;
create table things(n int check (checked(n)), what text default seen('by default'));
insert into things(n) values (1);
show my.seen;
show my.checked;
insert into things(n, what) values (2, 'given');
show my.seen;
show my.checked;
insert into things(n) values (-1);
show my.checked;
alter table things alter what set default seen('by another');
insert into things(n) values (3);
show my.seen;
create domain positive as int check (checked(value));
select '7'::positive;
show my.checked;
create table sevens(n positive);
insert into sevens values (8);
show my.checked;
create rule r as on insert to sevens do also select seen('by rule');
insert into sevens values (9);
show my.seen;
create index on things (checked(n));
insert into things values (10, 'x');
show my.checked;
begin;
create table here(a int, b text default seen('here'));
insert into here(a) values (1);
rollback;
show my.seen;
drop table things;
drop table sevens;
drop domain positive;
drop function seen(text);
drop function checked(int);
