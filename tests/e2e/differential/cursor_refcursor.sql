-- Cursors that a function gives.
create function f(c refcursor) returns refcursor language plpgsql as $$ begin open c for select generate_series(1, 3); return c; end $$;
begin;
select f('mine');
fetch 2 from mine;
select name from pg_cursors where name = 'mine';
commit;
fetch mine;
select f('mine');
fetch mine;
drop function f;
