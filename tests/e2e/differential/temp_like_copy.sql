-- LIKE, IF NOT EXISTS, COPY into and out of a temporary table.
create table t (a int default 7, b text);
create temp table u (like t including all);
create temp table if not exists u (c int);
copy u from stdin;
1	one
2	two
\.
insert into u (b) values ('by default');
copy u to stdout;
copy (select count(*) from u) to stdout;
copy u from stdin;
nonsense	three
\.
select count(*) from u;
drop table u;
drop table t;
