-- application_name, as the session and the activity view have it.
show application_name;
set application_name = 'me, myself';
show application_name;
select application_name from pg_stat_activity where pid = pg_backend_pid();
begin;
set local application_name = 'it''s';
select application_name from pg_stat_activity where pid = pg_backend_pid();
rollback;
select application_name from pg_stat_activity where pid = pg_backend_pid();
reset application_name;
show application_name;
