-- Operators, casts, aggregates and functions that look like columns.
create function of_two(a int, b int) returns int language plpgsql as
$$ begin perform set_config('my.two', a || '/' || b, false); return a + b; end $$;
create operator ##### (leftarg = int, rightarg = int, function = of_two);
create aggregate sum_of_two(int) (sfunc = of_two, stype = int, initcond = 0);
select 1 ##### 2;
show my.two;
create view summed as select sum_of_two(n) from generate_series(1, 3) n;
select * from summed;
show my.two;
create table pairs(a int, b int);
insert into pairs values (5, 6);
create function added(pairs) returns int language sql as 'select of_two($1.a, $1.b)';
select p.added from pairs p;
show my.two;
create type colour as enum ('red', 'green');
create function number(colour) returns int language plpgsql as
$$ begin perform set_config('my.colour', $1::text, false); return 1; end $$;
create cast (colour as int) with function number(colour);
create table paint(c colour);
insert into paint values ('green');
select c::int from paint;
show my.colour;
select 'red'::colour::int;
show my.colour;
drop table paint;
drop cast (colour as int);
drop function number(colour);
drop type colour;
drop function added(pairs);
drop table pairs;
drop view summed;
drop aggregate sum_of_two(int);
drop operator ##### (int, int);
drop function of_two(int, int);
