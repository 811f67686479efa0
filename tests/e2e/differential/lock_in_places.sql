-- Taken in a WHERE, a CTE, a function, a DO, a CASE that is not run, and a statement that fails.
select 1 as one where pg_try_advisory_lock(1, hashtext(:'me'));
with w as (select pg_advisory_lock(2, hashtext(:'me'))) select count(*) from w;
with w as materialized (select pg_advisory_lock(3, hashtext(:'me'))) select 3 as three from w;
create function f(k int, m text) returns int language plpgsql as $$ begin perform pg_advisory_lock(k, hashtext(m)); return k; end $$;
select f(4, :'me');
select case when false then f(5, :'me') end;
select f(6, :'me') / 0;
select pg_advisory_lock(7, hashtext(:'me')), 1/0;
explain (analyze, costs off, timing off, summary off) select pg_advisory_lock(8, hashtext(:'me'));
explain (costs off) select pg_advisory_lock(9, hashtext(:'me'));
select classid from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() order by 1;
select pg_advisory_unlock_all();
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
drop function f;
