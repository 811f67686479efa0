-- A cursor WITH HOLD lives on.
declare c scroll cursor with hold for select generate_series(1, 5);
fetch 2 from c;
fetch backward 1 from c;
select name, is_holdable from pg_cursors;
close c;
fetch c;
