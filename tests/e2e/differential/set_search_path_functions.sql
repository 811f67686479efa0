-- A function of SQL resolves names when it runs; one with SET has its own path.
\set two :me '_two'
create schema :two;
create function :me.who() returns text language sql as 'select ''one''';
create function :two.who() returns text language sql as 'select ''two''';
create function :me.ask() returns text language plpgsql as 'begin return who(); end';
create function :me.fixed() returns text language plpgsql set search_path from current as 'begin return who(); end';
select ask(), fixed();
set search_path = :two, :me;
select ask(), fixed();
show search_path;
drop schema :two cascade;
reset search_path;
select ask();
drop function ask(), fixed(), who();
