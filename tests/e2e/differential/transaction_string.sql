-- Several statements in one string are one transaction.
create table t (a int) \; insert into t values (1) \; select * from t;
insert into t values (2) \; select 1/0 \; insert into t values (3);
select * from t;
begin \; insert into t values (4) \; select * from t;
rollback;
insert into t values (5) \; rollback \; insert into t values (6);
select * from t;
drop table t;
