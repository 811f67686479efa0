-- Timeouts work wherever the statement runs.
set statement_timeout = 20;
select pg_sleep(5);
set statement_timeout = 0;
select pg_sleep(0.03);
set statement_timeout to '1h';
show statement_timeout;
set idle_in_transaction_session_timeout = '1d';
show idle_in_transaction_session_timeout;
reset all;
