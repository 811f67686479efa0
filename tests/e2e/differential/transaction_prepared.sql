-- Two phases.
create table t (a int);
begin;
insert into t values (1);
prepare transaction :'me';
select * from t;
select count(*) from pg_prepared_xacts where gid = :'me';
commit prepared :'me';
select * from t;
begin;
prepare transaction :'me';
rollback prepared :'me';
rollback prepared :'me';
drop table t;
