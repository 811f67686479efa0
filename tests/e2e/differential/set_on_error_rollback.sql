-- psql's own savepoints: what fails is undone, the rest is not.
\set ON_ERROR_ROLLBACK on
begin;
set work_mem = '7MB';
select set_config('my.on_error', 'kept', false), 1/0;
select set_config('my.on_error', 'kept too', false);
set work_mem = 'nonsense';
create temp table t (a int);
insert into t values ('x');
insert into t values (1);
commit;
show work_mem;
show my.on_error;
select * from t;
drop table t;
\set ON_ERROR_ROLLBACK off
reset work_mem;
reset my.on_error;
