-- Temporary views, sequences, functions, types and domains.
create temp view v as select 1 as a;
select * from v;
create temp sequence s;
select nextval('s'), currval('s'), lastval();
create function pg_temp.f() returns int language sql as 'select 7';
select pg_temp.f();
create type pg_temp.pair as (a int, b int);
select (1, 2)::pg_temp.pair;
create domain pg_temp.small as int check (value < 5);
select 7::pg_temp.small;
discard temp;
select to_regprocedure('pg_temp.f()'), to_regtype('pg_temp.pair');
