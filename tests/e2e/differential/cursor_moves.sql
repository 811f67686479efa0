-- Cursors that go back and forth, and end.
create function rc(refcursor) returns refcursor language plpgsql as $$ begin open $1 for select generate_series(1,5); return $1; end $$;
begin; select rc('cc'); fetch 2 from cc; move 1 in cc; fetch all in cc; close cc; commit;
begin; select rc('cc'); commit; fetch cc;
begin; declare a scroll cursor for select generate_series(1,3); fetch last from a; fetch prior from a; fetch absolute 1 from a; savepoint s; fetch next from a; rollback to s; fetch next from a; commit;
declare w cursor for select 1;
begin; declare h cursor with hold for select pg_sleep(0), generate_series(1,3); commit; fetch 1 from h; begin; fetch 1 from h; rollback; fetch 1 from h; close h; fetch h;
begin; declare h2 cursor with hold for select 1/(3-g) from generate_series(1,3) g; fetch h2; commit; fetch h2;
create table t(a int); insert into t values (1),(2); begin; declare u cursor for select * from t for update; fetch u; update t set a = 10 where current of u; commit; select * from t order by 1; drop table t;
do $$ declare c cursor for select generate_series(1,3); r int; begin open c; fetch c into r; raise notice '%', r; close c; end $$;
select name, is_holdable from pg_cursors;
begin; declare b binary cursor for select 1; select name, is_binary from pg_cursors; rollback;
drop function rc;
