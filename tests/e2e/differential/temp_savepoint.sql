-- Made behind a savepoint, dropped behind another.
begin;
savepoint a;
create temp table t (a int);
insert into t values (1);
savepoint b;
drop table t;
select * from t;
rollback to b;
select * from t;
savepoint c;
create temp table u as select 2 as a;
rollback to c;
select * from u;
rollback to b;
commit;
select * from t;
drop table t;
