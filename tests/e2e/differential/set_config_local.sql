-- set_config() for the transaction.
begin;
select set_config('work_mem', '6MB', true);
show work_mem;
end;
show work_mem;
select set_config('work_mem', '7MB', true), current_setting('work_mem');
show work_mem;
