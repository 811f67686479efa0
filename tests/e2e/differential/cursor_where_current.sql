-- UPDATE and DELETE at a cursor.
create table t as select generate_series(1, 4) as a;
begin;
declare c cursor for select * from t for update;
fetch c;
update t set a = 10 where current of c;
fetch c;
delete from t where current of c;
savepoint s;
fetch c;
delete from t where current of c;
rollback to s;
commit;
select a from t order by a;
update t set a = 1 where current of c;
drop table t;
