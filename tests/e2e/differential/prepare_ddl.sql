-- The table behind a prepared statement changes.
create table t (a int);
insert into t values (1);
prepare q as select * from t;
execute q;
alter table t add column b text default 'new';
execute q;
prepare r as select a from t;
execute r;
alter table t alter a type bigint;
execute r;
drop table t;
execute r;
create table t as select 'other' as a;
execute r;
deallocate all;
drop table t;
