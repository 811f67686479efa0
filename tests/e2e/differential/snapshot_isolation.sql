-- What a transaction sees is its own, whichever server it is on.
create table t as select 1 as a;
begin isolation level repeatable read;
select * from t;
\! psql -X -q -d diff -c 'insert into d_snapshot_isolation.t values (2)'
select * from t;
commit;
select * from t order by a;
begin isolation level serializable;
update t set a = a + 10;
show transaction_isolation;
rollback;
start transaction read only;
insert into t values (3);
rollback;
begin read write, isolation level read uncommitted;
show transaction_isolation;
show transaction_read_only;
commit;
drop table t;
