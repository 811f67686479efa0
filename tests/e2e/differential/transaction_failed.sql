-- An error in a transaction.
begin;
select 1/0;
select 1;
savepoint s;
commit;
select 1;
begin;
savepoint s;
select 1/0;
rollback to s;
select 2;
commit;
