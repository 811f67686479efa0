-- ON COMMIT in its variants.
begin;
create temp table t (a int) on commit drop;
insert into t values (1);
commit;
select * from t;
create temp table t (a int) on commit delete rows;
insert into t values (1);
select * from t;
drop table t;
create temporary table t (a int) on commit preserve rows;
insert into t values (1);
select * from t;
drop table t;
