-- ON COMMIT DELETE ROWS, over transactions and savepoints.
create temp table t (a int) on commit delete rows;
begin;
insert into t values (1);
savepoint s;
insert into t values (2);
rollback to s;
select * from t;
commit;
select count(*) from t;
begin;
insert into t values (3);
rollback;
insert into t values (4) \; select * from t;
select count(*) from t;
drop table t;
