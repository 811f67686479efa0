-- default_transaction_read_only is reported by the server.
set default_transaction_read_only = on;
create table t (a int);
begin read write;
create table t (a int);
rollback;
set default_transaction_read_only = off;
create table t (a int);
drop table t;
