-- Locks of the session outlive a savepoint, those of the transaction do not.
begin;
savepoint s;
select pg_advisory_lock(1, hashtext(:'me'));
select pg_advisory_xact_lock(2, hashtext(:'me'));
select objsubid, count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() group by 1;
rollback to s;
select classid from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
select pg_advisory_xact_lock(3, hashtext(:'me'));
rollback;
select classid from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
select pg_advisory_unlock(1, hashtext(:'me'));
