-- SET in a string of statements that fails: the whole string is undone.
set work_mem = '7MB' \; select 1/0;
show work_mem;
set my.implicit = 'lost' \; select nothing;
select current_setting('my.implicit', true) is distinct from 'lost' as undone;
begin \; set work_mem = '7MB' \; commit \; set work_mem = '8MB' \; select 1/0;
show work_mem;
set local work_mem = '9MB' \; show work_mem;
show work_mem;
reset work_mem;
