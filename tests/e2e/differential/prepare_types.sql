-- Parameters given, guessed and wrong.
prepare q (int, text, numeric[]) as select $1, $2, $3;
execute q (1, 'a', '{1.5,2}');
execute q (1, 'a');
execute q ('x', 'a', '{}');
prepare g as select $1::int + $2;
execute g (1, 2);
select parameter_types from pg_prepared_statements order by name;
prepare g as select 1;
prepare bad as select $1;
prepare bad as selec;
execute "Q" (1);
prepare "Q" as select 'upper';
execute "Q";
deallocate "Q";
deallocate q;
deallocate prepare all;
select count(*) from pg_prepared_statements where from_sql;
