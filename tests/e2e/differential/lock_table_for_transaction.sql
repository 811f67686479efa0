-- LOCK TABLE and row locks end with the transaction.
create table t as select 1 as a;
lock table t in share mode;
begin;
lock table t in access exclusive mode;
select mode from pg_locks where relation = 't'::regclass and pid = pg_backend_pid();
savepoint s;
select * from t for update;
rollback to s;
commit;
select count(*) from pg_locks where relation = 't'::regclass and pid = pg_backend_pid() and mode = 'AccessExclusiveLock';
begin;
select * from t for share nowait;
rollback;
drop table t;
