-- Settings of the planner show in plans.
create table t (a int primary key);
insert into t select generate_series(1, 100);
analyze t;
explain (costs off) select * from t where a = 5;
set enable_seqscan = off;
explain (costs off) select * from t where a = 5;
set enable_indexscan = off;
set enable_bitmapscan = off;
explain (costs off) select * from t where a = 5;
reset all;
explain (costs off) select * from t where a = 5;
drop table t;
