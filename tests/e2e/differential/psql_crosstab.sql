-- \crosstabview, \gexec with state, and \watch until something fails.
select * from (values ('a', 'x', 1), ('a', 'y', 2), ('b', 'x', 3)) v (r, c, n) \crosstabview
create sequence s;
select format('create temp table t%s as select %s as n', i, i) from generate_series(1, 3) i \gexec
select t1.n + t2.n + t3.n as sum from t1, t2, t3;
select format('drop table t%s', i) from generate_series(1, 3) i union all select 'drop table t4' \gexec
select 'set my.crosstab = ''1''' union all select 'show my.crosstab' union all select 'reset my.crosstab' \gexec
\pset title 'watched'
select 6 / (3 - nextval('s')) as q \watch 0.01
\pset title
drop sequence s;
