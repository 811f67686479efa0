-- Modes of one transaction.
begin;
set transaction isolation level repeatable read read only;
show transaction_isolation;
create table t (a int);
rollback;
show transaction_isolation;
set transaction isolation level serializable;
begin isolation level serializable, read only, deferrable;
show transaction_deferrable;
select 1;
set transaction isolation level read committed;
rollback;
start transaction read write isolation level repeatable read;
select current_setting('transaction_isolation');
commit;
