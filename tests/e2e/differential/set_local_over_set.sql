-- SET and SET LOCAL of the same setting in one transaction, in both orders.
begin;
set work_mem = '5MB';
set local work_mem = '6MB';
show work_mem;
commit;
show work_mem;
begin;
set local work_mem = '7MB';
set work_mem = '8MB';
show work_mem;
commit;
show work_mem;
