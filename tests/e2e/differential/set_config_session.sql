-- set_config() for the session.
select set_config('work_mem', '6MB', false);
show work_mem;
select set_config('work_' || 'mem', (3 + 4) || 'MB', false);
show work_mem;
select set_config('work_mem', null, false);
show work_mem;
