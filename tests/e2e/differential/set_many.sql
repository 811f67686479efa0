-- Many settings at once.
set work_mem = '5MB'; set maintenance_work_mem = '17MB'; set statement_timeout = 100000;
set lock_timeout = '90s'; set enable_seqscan = off; set random_page_cost = 1.5;
set enable_hashjoin = off; set enable_mergejoin = off; set join_collapse_limit = 3;
set geqo = off; set jit = off; set from_collapse_limit = 4; set cursor_tuple_fraction = 0.5;
set max_parallel_workers_per_gather = 0; set seq_page_cost = 2; set cpu_tuple_cost = 0.02;
set enable_sort = off; set gin_fuzzy_search_limit = 5;
-- What servers report is set to what it was, and not reset: it has another source where somebody else had it set.
\set reported '^(application_name|client_encoding|search_path|transaction_.*|default_transaction_read_only|DateStyle|IntervalStyle|TimeZone|standard_conforming_strings)$'
select name, setting from pg_settings where source = 'session'
  and name !~ :'reported' order by 1;
reset all;
select count(*) from pg_settings where source = 'session'
  and name !~ :'reported';
