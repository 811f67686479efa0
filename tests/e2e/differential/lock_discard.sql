-- What ends them all.
select pg_advisory_lock(hashtext(:'me')), pg_advisory_lock_shared(hashtext(:'me'));
begin;
select pg_advisory_unlock_all();
rollback;
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
select pg_advisory_lock(hashtext(:'me'));
select mode from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
select pg_advisory_unlock_shared(hashtext(:'me'));
\c
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
select pg_advisory_unlock(hashtext(:'me'));
