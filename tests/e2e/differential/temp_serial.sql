-- The sequence of a temporary table's column.
create temp table t (id serial, g int generated always as identity, v text);
insert into t (v) values ('a'), ('b');
select * from t;
select pg_get_serial_sequence('t', 'id') ~ 'pg_temp' as is_temporary;
alter sequence t_id_seq restart 10;
insert into t (v) values ('c') returning id, g;
select count(*) from pg_class where relnamespace = pg_my_temp_schema() and relkind = 'S';
drop table t;
select count(*) from pg_class where relnamespace = pg_my_temp_schema() and relkind = 'S';
