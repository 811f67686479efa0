-- Procedures that commit, with settings, cursors and temporary tables over their transactions.
create table t (a int);
create procedure p(n int) language plpgsql as $$
begin
	set work_mem = '7MB';
	create temp table scratch as select generate_series(1, n) as a;
	commit;
	for i in 1 .. n loop
		insert into t values (i);
		if i % 2 = 0 then rollback; else commit; end if;
	end loop;
	perform set_config('statement_timeout', '55s', false);
	rollback;
	set local lock_timeout = '9s';
end $$;
call p(5);
select * from t;
select count(*) from scratch;
show work_mem;
show statement_timeout;
show lock_timeout;
begin;
call p(2);
rollback;
drop table scratch;
create procedure q() language plpgsql set work_mem = '5MB' as $$ begin insert into t values (99); commit; end $$;
call q();
call p(2) \; select 1;
select count(*) from t where a = 99;
reset work_mem;
reset statement_timeout;
drop table if exists scratch;
drop procedure p, q;
drop table t;
