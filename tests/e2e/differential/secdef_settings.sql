-- Settings that a SECURITY DEFINER function leaves are its caller's.
create function f() returns text language plpgsql security definer as
$$ begin set work_mem = '7MB'; perform set_config('statement_timeout', '55s', false); return current_user; end $$;
alter function f() owner to diff_a;
select f();
show work_mem;
show statement_timeout;
begin;
select f();
rollback;
show work_mem;
reset all;
set role diff_a;
select f(), current_user;
reset role;
show work_mem;
reset work_mem;
reset statement_timeout;
drop function f;
