-- A function with SET: the setting is back when it returns.
create function f() returns text language sql set work_mem = '7MB' as 'select current_setting(''work_mem'')';
select f(), current_setting('work_mem');
show work_mem;
drop function f();
