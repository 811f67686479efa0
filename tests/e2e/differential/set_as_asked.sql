-- What was asked for when connecting is what RESET gives back.
select current_setting('search_path') = :'me' || ',public' as as_asked;
set search_path = pg_catalog;
reset search_path;
select current_setting('search_path') = :'me' || ',public' as as_asked;
set search_path to default;
select current_setting('search_path') = :'me' || ',public' as as_asked;
begin;
set search_path = pg_catalog;
savepoint a;
reset search_path;
show application_name;
select replace(current_setting('search_path'), ' ', '') = :'me' || ',public' as as_asked;
rollback to a;
show search_path;
reset all;
commit;
select current_setting('search_path') = :'me' || ',public' as as_asked;
set client_encoding = 'LATIN1';
\encoding
reset client_encoding;
\encoding
select 'ä' as umlaut;
discard all;
select current_setting('search_path') = :'me' || ',public' as as_asked;
show application_name;
\encoding
