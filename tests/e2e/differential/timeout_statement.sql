-- Statements that run out of time, in and out of transactions; the session goes on.
set statement_timeout = '40ms';
select pg_sleep(30);
show statement_timeout;
begin;
set local statement_timeout = '30ms';
select pg_sleep(30);
select 1;
rollback;
show statement_timeout;
set statement_timeout = 0 \; select 'no hurry' as now;
set statement_timeout = '40ms' \; select pg_sleep(30);
show statement_timeout;
begin;
set local lock_timeout = '20ms';
show lock_timeout;
commit;
show lock_timeout;
reset statement_timeout;
