-- The locks of a prepared transaction are nobody's session's.
begin;
select pg_advisory_xact_lock(hashtext(:'me'));
prepare transaction :'me';
select count(*), bool_and(pid is null) as is_nobodys from pg_locks where locktype = 'advisory' and objid = (hashtext(:'me')::bigint & 4294967295);
select pg_try_advisory_lock(hashtext(:'me'));
commit prepared :'me';
select pg_try_advisory_lock(hashtext(:'me'));
select pg_advisory_unlock(hashtext(:'me'));
