-- A function takes the settings of its creation along, and puts back those of its caller.
set work_mem = '7MB';
set search_path = pg_catalog;
create function public.:me() returns text language sql set work_mem from current set search_path from current as
$$ select current_setting('work_mem') || ' ' || current_setting('search_path') $$;
set work_mem = '9MB';
set search_path = public, pg_catalog;
select public.:me();
show work_mem;
show search_path;
select proconfig from pg_proc where proname = :'me';
drop function public.:me();
reset work_mem;
reset search_path;
