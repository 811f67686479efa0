-- Cursors of other kinds, and WHERE CURRENT OF.
create table t as select generate_series(1, 3) as a;
begin;
declare c no scroll cursor for select a from t for update;
fetch c;
update t set a = 10 where current of c;
fetch prior c;
rollback;
drop table t;
