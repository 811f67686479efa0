-- Without autocommit a SET waits for its COMMIT.
\set AUTOCOMMIT off
set work_mem = '7MB';
show work_mem;
rollback;
show work_mem;
set work_mem = '8MB';
set my.autocommit = 'on commit';
commit;
show work_mem;
select 1/0;
set work_mem = '9MB';
rollback;
show work_mem;
show my.autocommit;
reset work_mem;
reset my.autocommit;
commit;
\set AUTOCOMMIT on
show work_mem;
