-- ALTER ROLE and ALTER DATABASE are for sessions to come.
\set role :me '_role'
create role :role;
alter role :role set work_mem = '9MB';
set role :role;
show work_mem;
reset role;
alter role :role reset all;
drop role :role;
