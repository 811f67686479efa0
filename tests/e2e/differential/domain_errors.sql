-- Errors raised on purpose, with all that RAISE can say, and notices by level.
set client_min_messages = debug1;
do $$ begin raise debug 'a debug'; raise log 'a log'; raise info 'an info'; raise notice 'a notice'; raise warning 'a warning'; end $$;
set client_min_messages = error;
do $$ begin raise warning 'unheard'; raise info 'always'; end $$;
reset client_min_messages;
do $$ begin raise exception 'wholly mine' using errcode = 'P9999', detail = 'a detail', hint = 'a hint', schema = 's', table = 't', column = 'c', constraint = 'k', datatype = 'd'; end $$;
do $$ begin begin perform 1/0; exception when others then raise notice '% %', sqlstate, sqlerrm; raise; end; end $$;
do $$ declare n int; begin get diagnostics n = row_count; raise notice 'rows %', n; assert n > 5, 'not so many'; end $$;
\errverbose
\set VERBOSITY sqlstate
select 1/0;
\set VERBOSITY verbose
