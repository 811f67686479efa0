-- EXPLAIN ANALYZE of a temporary table.
explain (analyze, costs off, timing off, summary off) create temp table t as select 1 as a;
select * from t;
drop table t;
