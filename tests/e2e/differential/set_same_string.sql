-- SET and what depends on it in one string.
set work_mem = '7MB' \; show work_mem \; reset work_mem \; show work_mem;
begin \; set local work_mem = '8MB' \; show work_mem \; commit \; show work_mem;
set work_mem = '9MB' \; select 1/0;
show work_mem;
set work_mem = '9MB' \; commit \; select 1/0;
show work_mem;
reset work_mem;
