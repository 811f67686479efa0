-- Generic and custom plans, counted by the session.
create table t as select generate_series(1, 10) as a;
prepare q (int) as select count(*) from t where a > $1;
execute q (5);
execute q (6);
select generic_plans, custom_plans from pg_prepared_statements where name = 'q';
set plan_cache_mode = force_generic_plan;
execute q (7);
select generic_plans, custom_plans from pg_prepared_statements where name = 'q';
explain (costs off) execute q (1);
set plan_cache_mode = force_custom_plan;
execute q (8);
explain (costs off) execute q (1);
select generic_plans, custom_plans from pg_prepared_statements where name = 'q';
reset plan_cache_mode;
discard plans;
execute q (9);
deallocate q;
drop table t;
