-- client_min_messages.
do $$ begin raise notice 'one'; end $$;
set client_min_messages = warning;
do $$ begin raise notice 'two'; raise warning 'three'; end $$;
set client_min_messages = debug1;
do $$ begin raise debug 'four'; end $$;
reset client_min_messages;
do $$ begin raise notice 'five'; end $$;
