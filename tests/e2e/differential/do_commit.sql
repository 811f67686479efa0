-- Transaction control inside DO and CALL.
create table t (a int);
do $$ begin insert into t values (1); commit; insert into t values (2); rollback; end $$;
select * from t;
create procedure p(inout n int) language plpgsql as
$$ begin insert into t values (n); commit; set work_mem = '7MB'; rollback; n := n + 1; end $$;
call p(5);
show work_mem;
begin;
call p(6);
rollback;
select * from t;
drop procedure p;
drop table t;
