-- Functions that make, fill and drop temporary tables as they go.
create function f(n int) returns bigint language plpgsql as $$
declare c bigint;
begin
	create temp table scratch on commit drop as select generate_series(1, n) as a;
	select sum(a) from scratch into c;
	return c;
end $$;
create function g(n int) returns bigint language plpgsql as $$
declare c bigint;
begin
	create temp table scratch as select generate_series(1, n) as a;
	select count(*) from scratch into c;
	drop table scratch;
	return c;
end $$;
select f(3);
select g(5);
select * from scratch;
begin;
select f(4);
select count(*) from scratch;
select f(4);
rollback;
select g(6);
drop function f, g;
