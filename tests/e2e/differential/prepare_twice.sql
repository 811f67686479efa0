-- A name that is taken, and one that is not there.
prepare p as select 1;
prepare p as select 2;
execute p;
deallocate prepare p;
deallocate p;
prepare "P p" as select 3;
execute "P p";
deallocate all;
