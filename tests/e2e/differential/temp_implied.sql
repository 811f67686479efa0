-- A view of a temporary table is temporary.
create temp table t as select 1 as a;
create view v as select * from t;
select * from v;
drop table t;
drop table t cascade;
select * from v;
