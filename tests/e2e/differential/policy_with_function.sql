-- A policy whose function remembers who has asked.
create function allowed(owner text) returns bool language plpgsql as
$$ begin perform set_config('my.asked', owner, false); return owner = current_setting('my.who', true); end $$;
create table notes(owner text, note text);
insert into notes values ('a', 'of a'), ('b', 'of b');
create policy own on notes using (allowed(owner));
alter table notes enable row level security;
grant select, insert on notes to diff_a;
grant all on schema :"me" to diff_a;
set my.who = 'a';
set role diff_a;
select * from notes;
show my.asked;
set my.who = 'b';
select * from notes;
show my.asked;
insert into notes values ('b', 'more');
insert into notes values ('a', 'refused');
show my.asked;
reset role;
select * from notes order by 1, 2;
show my.asked;
drop table notes;
drop function allowed(text);
