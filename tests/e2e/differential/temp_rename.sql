-- Renamed, altered, moved: it is still temporary.
create temp table t (a int);
alter table t rename to u;
alter table u add column b text default 'x';
alter table u rename column a to c;
insert into u (c) values (1);
select * from u;
alter table u set schema public;
alter table u set logged;
select relpersistence from pg_class where oid = 'u'::regclass;
drop table u;
select * from u;
