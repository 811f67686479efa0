-- set_config() called once per row, and not at all.
select set_config('my.' || n, n::text, false) from generate_series(1, 2) n where false;
select set_config('work_mem', n || 'MB', false) from generate_series(5, 7) n;
show work_mem;
select case when false then set_config('work_mem', '9MB', false) else 'not called' end;
show work_mem;
