-- A function of another owner: SECURITY DEFINER.
create function f() returns text language sql security definer as 'select current_user::text';
alter function f() owner to diff_a;
select f(), current_user;
set role diff_b;
select f(), current_user;
reset role;
drop function f();
