-- What a role makes is its own, later and in other transactions.
set role diff_a;
create table t (a int);
select tableowner from pg_tables where schemaname = :'me';
insert into t values (1);
set role diff_b;
select * from t;
reset role;
drop table t;
