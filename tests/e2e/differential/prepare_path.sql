-- A prepared statement is planned again when the search_path changes.
prepare p as select current_schemas(false)::text <> '' as some;
execute p;
set search_path = pg_catalog;
execute p;
deallocate p;
reset search_path;
