-- SET ROLE: who I am, what I may.
select current_user, session_user;
set role diff_a;
select current_user, session_user;
show role;
select rolname from pg_authid limit 1;
set role diff_b;
select current_user;
set role "Diff C";
select current_user;
set role no_such_role;
select current_user;
set role none;
select current_user;
reset role;
show role;
