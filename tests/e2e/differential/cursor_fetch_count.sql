-- psql's FETCH_COUNT: queries through a cursor, in and out of transactions.
\set FETCH_COUNT 3
select generate_series(1, 7) as n;
select 10 / (4 - n) as q from generate_series(1, 7) n;
begin;
select generate_series(1, 4) as n;
savepoint s;
select 1 / (2 - n) from generate_series(1, 7) n;
rollback to s;
select 'on' as still;
commit;
create temp table t (a int);
with w as (insert into t values (1), (2), (3), (4) returning a) select * from w;
select count(*) from t;
drop table t;
select set_config('work_mem', '7MB', false);
show work_mem;
reset work_mem;
\unset FETCH_COUNT
