-- A temporary table made inside a function and in DO.
create function f() returns void language plpgsql as 'begin create temp table made (a int); end';
select f();
insert into made values (1);
select * from made;
drop table made;
do $$ begin execute 'create temp table made as select 2 as a'; end $$;
select * from made;
drop table made;
drop function f();
