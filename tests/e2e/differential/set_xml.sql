-- Settings that change how values are read and written.
set xmloption = document;
select xmlparse(content 'a');
show xmloption;
set xml option content;
show xmloption;
set quote_all_identifiers = on;
select quote_ident('a'), pg_get_viewdef('pg_user'::regclass) ~ '"pg_shadow"' as quoted;
set quote_all_identifiers = off;
set array_nulls = off;
select '{null}'::text[];
reset array_nulls;
select '{null}'::text[];
set transform_null_equals = on;
select null = null as yes;
reset all;
set seed = 0.5;
select random() = random() as no;
