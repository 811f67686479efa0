-- Formats, options and psql's \copy.
create table t (a int, b text, c date);
copy t from stdin with (format csv, header, null 'none', force_null (b));
a,b,c
1,"x, y",2020-01-01
2,,none
\.
copy t to stdout with (format csv, header, quote '|', force_quote *);
copy (select * from t order by a desc) to stdout (delimiter ';', null '-');
set datestyle = 'German';
copy t to stdout;
reset datestyle;
\copy (select a from t) to stdout
\copy t (a, b) from pstdin with (format csv)
copy t from stdin where a > 3;
3	left out	2020-01-01
4	taken	2020-01-01
\.
select count(*) from t;
begin;
truncate t;
copy t from stdin with (freeze);
5	frozen	2020-01-01
\.
commit;
select * from t;
drop table t;
