-- A SET is undone with its transaction, and stays if that is committed.
begin;
set work_mem = '9MB';
commit;
show work_mem;
begin;
set work_mem = '10MB';
show work_mem;
rollback;
show work_mem;
reset work_mem;
