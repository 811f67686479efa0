-- SET NAMES is client_encoding.
set names 'LATIN1';
show client_encoding;
select 'caf' || chr(233) = convert_from('\x636166e9', 'LATIN1') as same;
begin;
set names 'UTF8';
rollback;
show client_encoding;
set names;
show client_encoding;
set client_encoding to 'UTF8';
set client_encoding to 'no such encoding';
show client_encoding;
