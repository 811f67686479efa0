-- PREPARE, EXECUTE, DEALLOCATE.
prepare p (int, text) as select $1 + 1 as n, $2 || '!' as t;
execute p (1, 'a');
execute p (2, 'b');
select name, statement, parameter_types from pg_prepared_statements;
deallocate p;
execute p (3, 'c');
