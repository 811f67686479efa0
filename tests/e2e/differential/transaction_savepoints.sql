-- Savepoints of the same name.
begin;
savepoint s;
create table t (a int);
savepoint s;
insert into t values (1);
rollback to savepoint s;
select * from t;
release s;
rollback to s;
select * from t;
release nothing;
rollback;
