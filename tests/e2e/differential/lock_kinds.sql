-- Shared locks, pairs of keys, and all of them at once.
select pg_advisory_lock_shared(1, hashtext(:'me'));
select pg_try_advisory_lock_shared(2, hashtext(:'me'));
select mode, count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() group by 1;
select pg_advisory_unlock_shared(1, hashtext(:'me'));
select pg_advisory_unlock_all();
select pg_advisory_unlock_shared(2, hashtext(:'me'));
