-- A lock that does not come in time: another session has it.
-- The connections of dblink are in nobody's catalog: the server is kept by hand.
set pgweir.keep = on;
create table t (a int);
select public.dblink_connect('other', format('host=127.0.0.1 port=%s dbname=diff user=diff_boss options=-csearch_path=%s', inet_server_port(), :'me'));
select public.dblink_exec('other', 'begin');
select public.dblink_exec('other', 'lock table t in access exclusive mode');
set lock_timeout = '30ms';
select * from t;
begin;
select 1 as one;
select * from t;
select 1 as one;
rollback;
select public.dblink_exec('other', 'rollback');
select * from t;
select public.dblink_disconnect('other');
reset lock_timeout;
drop table t;
reset pgweir.keep;
