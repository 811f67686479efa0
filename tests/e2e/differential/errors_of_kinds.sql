-- Errors with all their fields.
selec 1;
select * from nowhere;
select nothing;
create table t (a int primary key check (a > 0), b int not null);
insert into t values (1, 1), (1, 2);
insert into t values (-1, 1);
insert into t values (1, null);
select 'a'::int;
drop table t;
