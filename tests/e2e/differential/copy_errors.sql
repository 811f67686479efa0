-- COPY that fails in the middle, in strings and transactions.
create table t (a int primary key, b text);
copy t from stdin;
1	one
two	two
3	three
\.
select count(*) from t;
copy t from stdin \; select 'behind the copy' as said;
1	one
\.
begin;
copy t from stdin;
1	again
\.
select 1;
rollback;
select * from t;
copy t (b) to stdout \; select 1/0 \; copy t to stdout;
copy nowhere to stdout;
copy (select 1/(a - 1) from t) to stdout;
copy t from '/nowhere/at/all';
set work_mem = '7MB' \; copy t from stdin;
x	fails
\.
show work_mem;
drop table t;
