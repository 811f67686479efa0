-- A temporary table hides the other of its name.
create table t as select 'lasting' as v;
create temp table t as select 'temporary' as v;
select * from t;
drop table t;
select * from t;
drop table t;
