-- A lock of the session stays when its transaction is rolled back.
begin;
select pg_advisory_lock(hashtext(:'me'));
rollback;
select pg_advisory_unlock(hashtext(:'me'));
begin;
savepoint s;
select pg_advisory_lock(hashtext(:'me'));
select 1/0;
rollback to s;
commit;
select pg_advisory_unlock(hashtext(:'me'));
