-- PREPARE and what uses its names.
prepare a as select $1::int; prepare b (int, text) as select $1, $2; execute a(1); execute b(1,'x'); execute b(1); prepare a as select 1; deallocate a; execute a(1);
prepare ins as insert into pp values ($1) returning *; create table pp(a int); prepare ins as insert into pp values ($1) returning *; execute ins(1); begin; execute ins(2); rollback; table pp; alter table pp add b int; execute ins(3); execute ins(4); drop table pp; execute ins(5);
create table ct as execute b(1,'z'); table ct; drop table ct; explain (costs off) execute b(1,'z'); explain analyze execute nonexist; select name, statement, parameter_types from pg_prepared_statements order by name;
set plan_cache_mode = force_generic_plan; execute b(2,'y'); reset plan_cache_mode; discard plans; execute b(3,'w'); deallocate prepare b; deallocate all; execute b(1,'x');
begin; prepare inx as select 5; rollback; execute inx; prepare "Q q" as select 'quoted'; execute "Q q"; deallocate "Q q"; deallocate inx; select count(*) from pg_prepared_statements;
select 1 \bind
select $1::text as a, $2::int b \g
