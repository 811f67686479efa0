-- Advisory locks of the transaction.
begin;
select pg_advisory_xact_lock(hashtext(:'me'));
select pg_advisory_unlock(hashtext(:'me'));
commit;
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
