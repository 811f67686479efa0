-- What psql asks itself.
create table t (a int primary key, b text default 'x');
\d t
\dt t
\df no_such_function
\echo :ROW_COUNT :SQLSTATE
drop table t;
