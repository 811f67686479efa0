-- SET LOCAL ends with the transaction, whichever way.
begin;
set local work_mem = '5MB';
show work_mem;
commit;
show work_mem;
set local work_mem = '6MB';
show work_mem;
