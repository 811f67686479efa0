-- SET LOCAL inside a function lasts as long as the transaction; with a SET clause, as long as the call.
create function f() returns text language plpgsql as $$ begin set local work_mem = '7MB'; return current_setting('work_mem'); end $$;
create function g() returns text language plpgsql set work_mem = '5MB' as
$$ begin set local work_mem = '7MB'; return current_setting('work_mem'); end $$;
create function h() returns text language plpgsql set work_mem = '5MB' as
$$ begin set work_mem = '8MB'; return current_setting('work_mem'); end $$;
select f();
show work_mem;
begin;
select f();
show work_mem;
commit;
show work_mem;
begin;
select g();
show work_mem;
commit;
select h();
show work_mem;
reset work_mem;
drop function f, g, h;
