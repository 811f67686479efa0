-- Temporary tables by other statements.
create temp table t as select 1 as a;
select 2 as a into temporary u;
select * from t, u;
create table pg_temp.v (a int);
insert into v values (3);
select * from v;
discard temp;
select * from t;
select * from v;
