-- A released savepoint's SET is that of the transaction around it.
begin;
savepoint a;
set work_mem = '6MB';
release a;
commit;
show work_mem;
begin;
savepoint a;
set work_mem = '9MB';
release a;
rollback;
show work_mem;
