-- Queues of jobs: SKIP LOCKED, and locks that are tried.
create table jobs(id int, done bool default false); insert into jobs select generate_series(1,5);
begin;
select id from jobs where not done order by id limit 1 for update skip locked;
update jobs set done = true where id = 1;
commit;
select pg_try_advisory_xact_lock(hashtext(:'me'), 1);
begin;
select pg_try_advisory_xact_lock(hashtext(:'me'), 1);
select pg_try_advisory_lock(hashtext(:'me'), 2);
commit;
select pg_advisory_unlock(hashtext(:'me'), 1);
select pg_advisory_unlock(hashtext(:'me'), 2);
with j as (select id from jobs where not done order by id for update skip locked limit 2) delete from jobs using j where jobs.id=j.id returning jobs.id;
select pg_advisory_lock(hashtext(:'me')), id from jobs order by id;
select pg_advisory_unlock(hashtext(:'me')) from generate_series(1,4);
drop table jobs;
