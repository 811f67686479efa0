-- A SECURITY DEFINER function runs as its owner; SET ROLE inside it is refused.
create function f() returns text language sql security definer as $$ select current_user::text $$;
create function g() returns void language plpgsql security definer as $$ begin set role diff_b; end $$;
alter function f() owner to diff_a;
alter function g() owner to diff_a;
grant execute on function f(), g() to diff_b;
select f(), current_user;
set role diff_b;
select f(), current_user;
select g();
select current_user;
reset role;
select f(), current_user;
drop function f, g;
