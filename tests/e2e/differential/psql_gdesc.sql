-- What psql asks by Parse and Describe alone, and by \gx and \gset.
create table t (a int, b numeric(5, 2), c text collate "C");
select * from t \gdesc
select 1 as one, 'x'::varchar(7) as x, now() as t \gdesc
insert into t values (1, 2.5, 'x') returning b, c \gdesc
select nothing \gdesc
set work_mem = '7MB' \gdesc
select current_setting('work_mem') \gdesc
show work_mem;
begin;
create temp table u (z int);
select * from u \gdesc
rollback;
select * from u \gdesc
insert into t values (1, 2.5, 'x') returning * \gx
select a, b from t \gset p_
select :p_a + :p_b as sum;
drop table t;
