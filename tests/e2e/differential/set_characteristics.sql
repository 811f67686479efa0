-- The defaults of transactions.
set session characteristics as transaction isolation level serializable, read only, deferrable;
show default_transaction_isolation;
show default_transaction_read_only;
show default_transaction_deferrable;
begin;
show transaction_isolation;
show transaction_read_only;
commit;
create table t (a int);
set session characteristics as transaction isolation level read committed, read write, not deferrable;
create table t (a int);
drop table t;
