-- A function that sets a role for its caller, and one that has it by its SET clause.
create function f(r text) returns text language plpgsql as $$ begin perform set_config('role', r, false); return current_user; end $$;
create function g() returns text language sql set role = 'diff_b' as $$ select current_user::text $$;
select f('diff_a');
select current_user, current_setting('role');
select g();
select current_user;
reset role;
select current_user, current_setting('role');
drop function f, g;
