-- A SET that fails changes nothing; in a transaction it ends it.
set work_mem = 'a lot';
show work_mem;
set no_such_setting = 1;
set block_size = 1;
set shared_buffers = '1MB';
begin;
set work_mem = '6MB';
set work_mem = '-5';
show work_mem;
commit;
show work_mem;
