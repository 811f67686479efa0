-- The same lock thrice, given back thrice.
select pg_advisory_lock(hashtext(:'me'));
select pg_advisory_lock(hashtext(:'me')), pg_try_advisory_lock(hashtext(:'me'));
select pg_advisory_unlock(hashtext(:'me'));
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
select pg_advisory_unlock(hashtext(:'me'));
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
select pg_advisory_unlock(hashtext(:'me'));
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
select pg_advisory_unlock(hashtext(:'me'));
