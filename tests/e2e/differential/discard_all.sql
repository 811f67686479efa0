-- DISCARD ALL.
create temp table t (a int);
prepare p as select 1;
set work_mem = '7MB';
listen :me;
select pg_advisory_lock(hashtext(:'me'));
discard all;
select * from t;
execute p;
show work_mem;
select count(*) from pg_listening_channels();
select pg_advisory_unlock(hashtext(:'me'));
begin;
discard all;
rollback;
