-- A cursor ends with its transaction.
begin;
declare c cursor for select generate_series(1, 5);
fetch 2 from c;
move 1 in c;
fetch all c;
close c;
fetch c;
rollback;
declare c cursor for select 1;
