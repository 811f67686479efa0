-- Indexes, constraints, triggers and comments of a temporary table.
create temp table t (a int primary key, b text unique, check (a > 0));
create index on t (b, a);
create function pg_temp.f() returns trigger language plpgsql as $$ begin new.b := new.b || '!'; return new; end $$;
create trigger r before insert on t for each row execute function pg_temp.f();
comment on table t is 'mine';
insert into t values (1, 'x');
insert into t values (1, 'y');
insert into t values (0, 'z');
select * from t;
select obj_description('t'::regclass);
select count(*) from pg_indexes where tablename = 't' and schemaname ~ 'pg_temp';
truncate t;
select count(*) from t;
drop table t;
