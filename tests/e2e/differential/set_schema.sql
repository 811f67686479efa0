-- SET SCHEMA is search_path.
set schema 'pg_catalog';
show search_path;
select current_schema;
set schema 'public';
show search_path;
reset search_path;
show search_path;
