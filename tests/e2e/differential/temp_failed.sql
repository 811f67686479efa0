-- A temporary table whose creation fails or is undone is not there.
create temp table t (a int, a int);
select * from t;
create temp table t (a int) \; insert into t values (1) \; select 1/0;
select * from t;
begin;
create temp table t (a int);
select nothing;
commit;
select * from t;
create temp table t as select 1/0 as a;
select * from t;
begin \; create temp table t (a int) \; commit \; select 1/0;
select count(*) from t;
drop table t;
