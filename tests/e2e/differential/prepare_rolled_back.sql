-- PREPARE is not undone with its transaction.
begin;
prepare p as select 1;
rollback;
execute p;
begin;
deallocate p;
rollback;
execute p;
