-- EXPLAIN ANALYZE runs what it explains.
explain (analyze, costs off, timing off, summary off) select set_config('work_mem', '7MB', false);
show work_mem;
explain select set_config('work_mem', '8MB', false);
show work_mem;
reset work_mem;
