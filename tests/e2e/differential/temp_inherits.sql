-- A temporary child of a lasting table, and partitions.
create table parent (a int);
create temp table child () inherits (parent);
insert into child values (1);
insert into parent values (2);
select a from parent order by a;
select a from only parent;
drop table child;
select a from parent;
create temp table part (a int) partition by range (a);
create temp table part1 partition of part for values from (1) to (10);
insert into part values (5);
insert into part values (50);
select tableoid::regclass::text ~ 'part1' as where_it_is, a from part;
drop table part;
create table lasting partition of part for values from (1) to (2);
drop table parent;
