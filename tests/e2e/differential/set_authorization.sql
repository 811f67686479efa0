-- SET SESSION AUTHORIZATION.
set session authorization diff_a;
select current_user, session_user;
set role diff_b;
select current_user, session_user;
set session authorization default;
select current_user, session_user;
set session authorization 'diff_b';
select session_user;
reset session authorization;
select session_user;
set session authorization nobody_there;
