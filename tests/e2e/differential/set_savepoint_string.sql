-- Savepoints and SET within one string.
begin \; savepoint a \; set work_mem = '7MB' \; savepoint b \; set work_mem = '8MB' \; rollback to b \; show work_mem;
rollback to a;
show work_mem;
set work_mem = '9MB';
release a;
commit;
show work_mem;
savepoint a \; set work_mem = '5MB';
show work_mem;
reset work_mem;
