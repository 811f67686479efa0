-- A snapshot that one transaction gives to another session.
create table t as select 1 as a;
begin isolation level repeatable read;
select pg_export_snapshot() as snap \gset
\setenv SNAP :snap
\! psql -X -q -d diff -c 'insert into d_snapshot_exported.t values (2)'
\! psql -X -q -At -d diff -c "begin isolation level repeatable read; set transaction snapshot '$SNAP'; select count(*) from d_snapshot_exported.t; commit; select count(*) from d_snapshot_exported.t"
select count(*) from t;
commit;
begin isolation level repeatable read;
set transaction snapshot '00000003-0000FFFF-1';
rollback;
set transaction snapshot '00000003-0000FFFF-1';
begin isolation level serializable read only deferrable;
select pg_export_snapshot() ~ '^[0-9A-F-]+$' as is_one;
show transaction_isolation;
commit;
select count(*) from t;
drop table t;
