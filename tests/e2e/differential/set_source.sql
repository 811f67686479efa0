-- Where a setting that was asked for when connecting comes from, and what RESET would give.
select source, reset_val = :'me' || ',public' as reset_val from pg_settings where name = 'search_path';
set search_path = pg_catalog;
select source, reset_val = :'me' || ',public' as reset_val from pg_settings where name = 'search_path';
