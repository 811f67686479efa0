-- What was asked for when connecting is what RESET gives back.
select current_setting('search_path') = :'me' || ',public' as as_asked;
set search_path = pg_catalog;
reset search_path;
select current_setting('search_path') = :'me' || ',public' as as_asked;
set search_path to default;
select current_setting('search_path') = :'me' || ',public' as as_asked;
select reset_val = :'me' || ',public' as reset_val, source from pg_settings where name = 'search_path';
discard all;
select current_setting('search_path') = :'me' || ',public' as as_asked;
