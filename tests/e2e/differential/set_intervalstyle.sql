-- IntervalStyle.
select interval '1 year 2 days 3:04:05';
set intervalstyle = 'iso_8601';
select interval '1 year 2 days 3:04:05';
set intervalstyle = sql_standard;
select interval '1 year 2 days 3:04:05';
begin;
set intervalstyle = postgres_verbose;
select interval '1 year 2 days 3:04:05';
rollback;
select interval '1 year 2 days 3:04:05';
reset intervalstyle;
select interval '1 year 2 days 3:04:05';
