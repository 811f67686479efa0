-- Savepoints: what was set after them goes with them.
begin;
set work_mem = '5MB';
savepoint a;
set work_mem = '6MB';
savepoint b;
set work_mem = '7MB';
rollback to b;
show work_mem;
rollback to a;
show work_mem;
commit;
show work_mem;
