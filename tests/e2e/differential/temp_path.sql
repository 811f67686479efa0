-- pg_temp at the head of the search_path.
set search_path = pg_temp, public;
create table t (a int);
select relpersistence from pg_class where oid = 't'::regclass;
drop table t;
reset search_path;
