-- COPY in transactions, with errors, and among other statements.
create table t(a int primary key, b text);
copy t from stdin;
1	a
x	b
\.
select count(*) from t;
begin; copy t from stdin with (freeze);
1	a
\.
copy t (b, a) from stdin with (format csv, header);
b,a
"q""x",2
\.
savepoint s;
copy t from stdin;
1	dup
\.
rollback to s;
select * from t order by 1;
commit;
copy t to stdout (format csv, header, force_quote *);
copy (select * from t where a > 1) to stdout;
copy t from stdin where a > 5;
5	no
6	yes
\.
copy t from '/nonexistent';
copy t to program 'false';
copy t from program 'echo 9';
begin; truncate t; copy t from stdin with (freeze);
1	z
\.
commit;
copy t from stdin \; select count(*) from t \; copy t to stdout;
3	m
\.
copy nonexistent from stdin;
copy t from stdin;
99
\.
select * from t order by 1;
drop table t;
