-- RESET ALL rolled back.
set work_mem = '9MB';
set datestyle = 'German';
begin;
reset all;
show work_mem;
show datestyle;
rollback;
show work_mem;
show datestyle;
reset all;
