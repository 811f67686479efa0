-- Prepared DML of all kinds.
create table t (a int primary key, b text);
prepare i (int, text) as insert into t values ($1, $2) on conflict (a) do update set b = excluded.b || '!' returning *;
prepare u (int) as update t set b = upper(b) where a = $1 returning *;
prepare d (int) as delete from t where a = $1 returning *;
execute i (1, 'x');
execute i (1, 'y');
execute u (1);
begin;
execute d (1);
execute d (1);
rollback;
create temp table copy as execute u (1);
prepare c as select * from t;
create temp table copy as execute c;
select * from copy;
deallocate all;
drop table copy, t;
