-- Whose they are, and what is undone.
begin;
set local role diff_a;
select lo_from_bytea(0, 'mine') as oid \gset
select lomowner::regrole from pg_largeobject_metadata where oid = :oid;
rollback;
select count(*) from pg_largeobject_metadata where oid = :oid;
select lo_from_bytea(0, 'kept') as oid \gset
set role diff_a;
select lo_get(:oid) is null;
reset role;
grant select on large object :oid to diff_a;
set role diff_a;
select convert_from(lo_get(:oid), 'UTF8');
select lo_put(:oid, 0, 'lost');
reset role;
select convert_from(lo_get(:oid), 'UTF8'), lo_unlink(:oid);
