-- Prepared writing, and EXECUTE in other statements.
create table t (a int);
prepare p as insert into t values ($1) returning a;
execute p (1);
prepare q as select a from t;
create table u as execute q;
explain (costs off) execute q;
select * from u;
drop table t, u;
execute q;
deallocate all;
