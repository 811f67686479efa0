-- setseed() and random(): the session's own.
begin;
select setseed(0.25);
select random();
select random();
commit;
