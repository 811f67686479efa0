-- A server kept by hand holds what nobody can see.
set pgweir.keep = on;
show pgweir.keep;
select public.dblink_connect('mine', format('host=127.0.0.1 port=%s dbname=diff user=diff_boss', inet_server_port()));
select public.dblink_get_connections();
begin;
select * from public.dblink('mine', 'select 1 + 1') as t (two int);
rollback;
select public.dblink_get_connections();
select public.dblink_disconnect('mine');
select public.dblink_get_connections();
set pgweir.keep = off;
begin;
set local pgweir.keep = on;
show pgweir.keep;
rollback;
show pgweir.keep;
