-- DO, its notices and errors.
do $$ begin raise notice 'hello'; end $$;
do $$ begin raise exception 'no' using errcode = 'P0042', hint = 'a hint', detail = 'a detail'; end $$;
do $$ begin perform 1/0; exception when division_by_zero then raise warning 'caught'; end $$;
do language plpgsql 'declare i int; begin for i in 1..2 loop raise info ''%'', i; end loop; end';
