-- Settings inside a CTE.
with w as materialized (select set_config('work_mem', '7MB', false)) select * from w;
show work_mem;
reset work_mem;
