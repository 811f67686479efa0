-- SET ROLE as set_config and as a setting with its value in quotes.
select set_config('role', 'diff_a', false);
select current_user;
set role to 'diff_b';
select current_user;
set "role" = 'Diff C';
select current_user;
select set_config('role', 'none', false);
select current_user;
