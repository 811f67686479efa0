-- A block with an EXCEPTION clause undoes the settings of what failed in it.
create function f(fails boolean) returns text language plpgsql as $$
begin
	set work_mem = '5MB';
	begin
		set work_mem = '6MB';
		perform set_config('statement_timeout', '77s', false);
		if fails then perform 1/0; end if;
	exception when division_by_zero then
		return 'caught: ' || current_setting('work_mem') || ' ' || current_setting('statement_timeout');
	end;
	return 'went well: ' || current_setting('work_mem') || ' ' || current_setting('statement_timeout');
end $$;
select f(true);
show work_mem;
show statement_timeout;
select f(false);
show work_mem;
show statement_timeout;
reset work_mem;
reset statement_timeout;
drop function f;
