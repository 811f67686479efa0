-- The buffers of a session's temporary tables, which are for good once there has been one.
set temp_buffers = '9MB';
show temp_buffers;
create temp table tt(a int);
set temp_buffers = '8MB';
drop table tt;
set temp_buffers = '7MB';
reset temp_buffers;
show temp_buffers;
