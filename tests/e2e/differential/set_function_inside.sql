-- A function that sets something for the session, and one that does it for the transaction.
create function f(l bool) returns text language plpgsql as
$$ begin perform set_config('work_mem', '7MB', l); return current_setting('work_mem'); end $$;
select f(true);
show work_mem;
select f(false);
show work_mem;
reset work_mem;
begin;
select f(false);
rollback;
show work_mem;
drop function f(bool);
