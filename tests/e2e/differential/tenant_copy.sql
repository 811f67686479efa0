-- COPY under a policy, with the tenant set in front of it.
create table t (tenant text, v int);
insert into t values ('a', 1), ('b', 2);
alter table t enable row level security;
create policy p on t using (tenant = current_setting('my.tenant_copy', true));
grant select on t to diff_a;
set role diff_a;
set my.tenant_copy = 'b';
copy (select * from t) to stdout;
copy t to stdout;
set my.tenant_copy = 'a' \; copy (select * from t) to stdout;
\copy t to stdout
reset role;
reset my.tenant_copy;
drop table t;
