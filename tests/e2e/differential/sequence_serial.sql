-- Identity columns, and what they gave.
create table t (id int generated always as identity, v text);
insert into t (v) values ('a') returning id;
insert into t (v) values ('b'), ('c');
select currval(pg_get_serial_sequence('t', 'id'));
drop table t;
