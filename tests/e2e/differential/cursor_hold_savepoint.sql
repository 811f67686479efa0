-- WITH HOLD behind savepoints, and closed in a transaction that is undone.
begin;
savepoint a;
declare gone cursor with hold for select 1;
rollback to a;
declare held cursor with hold for select generate_series(1, 3);
fetch held;
commit;
fetch gone;
fetch held;
begin;
close held;
rollback;
fetch held;
declare held cursor with hold for select 1/0;
declare held cursor with hold for select 'again';
fetch held;
close all;
select count(*) from pg_cursors where is_holdable;
