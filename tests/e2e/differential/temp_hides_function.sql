-- What is in pg_temp hides tables, not functions.
create table t as select 'lasting' as v;
create function f() returns text language sql as $$ select 'lasting'::text $$;
create function pg_temp.f() returns text language sql as $$ select 'temporary'::text $$;
select f(), pg_temp.f();
create temp table t as select 'temporary' as v;
select v from t;
set search_path = :"me", pg_temp;
select v from t;
select v from pg_temp.t;
set search_path = :"me", public;
prepare q as select v from t;
execute q;
drop table pg_temp.t;
execute q;
deallocate q;
discard temp;
drop table t;
drop function f;
