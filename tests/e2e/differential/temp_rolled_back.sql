-- A temporary table, rolled back; its drop, rolled back.
begin;
create temp table t (a int);
rollback;
select * from t;
create temp table t (a int);
begin;
drop table t;
rollback;
select * from t;
drop table t;
