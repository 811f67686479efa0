-- Prepared, run and deallocated within one string, and one that fails.
prepare p as select 1 as one \; execute p \; deallocate p;
execute p;
prepare p as select 2 as two \; select 1/0 \; deallocate p;
execute p;
begin \; deallocate p \; rollback;
execute p;
prepare p as select 3 as three \; execute p;
begin;
prepare q as select 4 as four;
savepoint s;
deallocate p;
rollback to s;
execute p;
execute q;
rollback;
execute q;
deallocate q;
