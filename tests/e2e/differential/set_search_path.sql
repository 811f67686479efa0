-- search_path decides what a name is.
\set two :me '_two'
create schema :two;
create table :me.t as select 'one' as v;
create table :two.t as select 'two' as v;
select * from t;
set search_path = :two;
select * from t;
select current_schema = :'two' as there;
begin;
set local search_path = :me;
select * from t;
commit;
select * from t;
reset search_path;
select * from t;
drop schema :two cascade;
drop table t;
