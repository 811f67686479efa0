-- Temporary views of kinds, replaced and dropped.
create temp recursive view v (n) as values (1) union all select n + 1 from v where n < 4;
select * from v;
create or replace temp view w as select n * 2 as m from v;
select sum(m) from w;
create or replace temp view w as select n * 3 as m from v;
select sum(m) from w;
drop view v;
drop view v cascade;
select * from w;
create temp materialized view m as select 1;
