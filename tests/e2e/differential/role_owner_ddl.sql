-- Whoever one is owns what one makes.
grant create on schema :"me" to diff_a;
set role diff_a;
create table t (a int);
reset role;
select tableowner from pg_tables where schemaname = :'me';
set role diff_b;
select * from t;
drop table t;
reset role;
begin;
set local role diff_a;
alter table t add column b int;
commit;
select count(*) from pg_attribute where attrelid = 't'::regclass and attnum > 0;
drop table t;
