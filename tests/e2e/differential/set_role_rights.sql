-- What only superusers set, under a role that may not.
set session_replication_role = replica;
set log_min_messages = 'error';
set role diff_a;
select current_user, current_setting('session_replication_role'), current_setting('log_min_messages');
set session_replication_role = origin;
reset log_min_messages;
begin;
set local role diff_b;
select current_user, current_setting('log_min_messages');
rollback;
set work_mem = '5MB';
select current_user, current_setting('session_replication_role'), current_setting('work_mem');
reset role;
show session_replication_role;
reset all;
select current_setting('session_replication_role'), current_setting('log_min_messages'), current_setting('work_mem');
