-- COPY from the client, and bad data.
create table t (a int, b text);
copy t from stdin;
1	one
2	\N
\.
copy t from stdin with (format csv);
3,"a,b"
\.
copy t from stdin;
x	y
\.
select * from t;
begin;
copy t from stdin;
4	four
\.
rollback;
select count(*) from t;
drop table t;
