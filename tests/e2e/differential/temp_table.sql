-- A temporary table is the session's own.
create temp table t (a int);
insert into t values (1), (2);
select count(*) from t;
select pg_my_temp_schema() <> 0 as has_one;
drop table t;
select * from t;
