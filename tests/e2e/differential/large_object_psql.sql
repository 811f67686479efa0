-- Large objects by psql's commands and by functions.
\lo_import /etc/hostname 'a comment'
select :LASTOID > 0 as has_oid;
select length(lo_get(:LASTOID)) > 0 as has_bytes;
select obj_description(:LASTOID, 'pg_largeobject');
begin;
select lo_open(:LASTOID, 131072) as fd;
select lo_lseek(0, 1, 0), lo_tell(0);
select length(loread(0, 2)) <= 2 as read;
savepoint s;
select lowrite(0, 'x');
rollback to s;
select lo_close(0);
commit;
select loread(0, 1);
\lo_unlink :LASTOID
select lo_get(:LASTOID);
