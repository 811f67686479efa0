-- Prepared statements that take locks.
prepare l (int) as select pg_advisory_lock($1, hashtext(:'me'));
prepare u (int) as select pg_advisory_unlock($1, hashtext(:'me'));
execute l (1);
execute l (1);
execute u (1);
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
deallocate all;
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
select pg_advisory_unlock(1, hashtext(:'me'));
select pg_advisory_unlock(1, hashtext(:'me'));
