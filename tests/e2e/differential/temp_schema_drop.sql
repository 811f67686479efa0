-- What is in the temporary schema, taken away in other ways.
create temp table t (a int);
create temp view v as select * from t;
discard temp;
select * from t;
begin;
create temp table t as select 1 as a;
discard temp;
select * from t;
rollback;
set role diff_a;
create temp table t as select 2 as a;
select * from t;
reset role;
select * from t;
drop table t;
select * from t;
