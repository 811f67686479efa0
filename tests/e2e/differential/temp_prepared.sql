-- Prepared statements over a temporary table that comes and goes.
create temp table t (a int);
prepare q (int) as insert into t values ($1) returning a;
execute q (1);
drop table t;
execute q (2);
create temp table t (a int, b text default 'new');
execute q (3);
select * from t;
alter table t alter a type text;
execute q (4);
deallocate q;
drop table t;
