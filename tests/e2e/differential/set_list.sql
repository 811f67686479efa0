-- Settings with lists.
set search_path = public, pg_catalog;
show search_path;
set search_path to '';
show search_path;
set search_path = "A b", "c""d", '$user', public;
show search_path;
set datestyle = 'iso', 'dmy';
show datestyle;
set local_preload_libraries = 'x';
set temp_tablespaces = '';
show temp_tablespaces;
reset search_path;
show search_path;
