-- Large objects: descriptors end with the transaction.
select lo_from_bytea(0, 'hello') as lo \gset
select convert_from(lo_get(:lo), 'UTF8');
begin;
select lo_open(:lo, 131072) as fd \gset
select convert_from(loread(:fd, 3), 'UTF8');
commit;
select loread(:fd, 3);
select lo_unlink(:lo);
