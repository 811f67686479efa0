-- Procedures that commit amid what they do.
create table t(a int);
create procedure pr(n int) language plpgsql as $$ begin for i in 1..n loop insert into t values (i); if i % 2 = 0 then commit; else rollback; end if; end loop; end $$;
call pr(5);
select * from t;
begin; call pr(3); rollback;
create procedure pset() language plpgsql as $$ begin set local work_mem = '9MB'; raise notice '%', current_setting('work_mem'); commit; raise notice '%', current_setting('work_mem'); set work_mem = '8MB'; commit; raise notice '%', current_setting('work_mem'); rollback; end $$;
call pset();
show work_mem;
reset work_mem;
create procedure outp(inout a int, out b text) language plpgsql as $$ begin a := a + 1; b := current_setting('application_name'); end $$;
call outp(1, null);
create procedure loopc() language plpgsql as $$ declare r record; begin for r in select generate_series(1,3) g loop insert into t values (100 + r.g); commit; end loop; end $$;
call loopc();
select count(*) from t;
create procedure sec() security definer set search_path = pg_catalog language plpgsql as $$ begin commit; end $$;
call sec();
do $$ begin create temp table dd(a int) on commit drop; insert into dd values (1); commit; perform 1; begin perform * from dd; exception when others then raise notice '% %', sqlstate, sqlerrm; end; end $$;
drop procedure pr, pset, outp, loopc, sec; drop table t;
