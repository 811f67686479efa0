-- A cursor WITH HOLD whose transaction is rolled back.
begin;
declare c cursor with hold for select 1;
rollback;
fetch c;
begin;
declare c cursor with hold for select 2;
savepoint s;
close c;
rollback to s;
commit;
fetch c;
close all;
