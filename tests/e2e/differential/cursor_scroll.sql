-- Moved about in every direction.
begin;
declare c scroll cursor for select generate_series(1, 10);
fetch first from c;
fetch last from c;
fetch prior from c;
fetch absolute 3 from c;
fetch relative 2 from c;
move forward 3 from c;
fetch backward 2 from c;
fetch absolute -1 from c;
fetch next from c;
move backward all in c;
fetch forward 2 from c;
declare n no scroll cursor for select 1;
fetch prior from n;
rollback;
fetch c;
