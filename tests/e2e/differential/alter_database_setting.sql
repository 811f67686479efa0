-- A function's own settings, changed under a session that uses it.
create function f() returns text language sql as $$ select current_setting('work_mem') $$;
set work_mem = '7MB';
select f();
alter function f() set work_mem = '5MB';
select f();
begin;
alter function f() set work_mem = '6MB';
select f();
rollback;
select f();
alter function f() reset all;
select f();
alter function f() set search_path = pg_catalog;
select f(), current_setting('search_path') = :'me' || ',public' as as_it_was;
reset work_mem;
drop function f;
