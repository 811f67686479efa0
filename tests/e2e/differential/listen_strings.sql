-- In strings of several statements, some of which fail.
listen :"me" \; notify :"me", 'first';
notify :"me", 'second' \; select 1/0;
unlisten * \; select 1/0;
select count(*) from pg_listening_channels();
notify :"me", 'a' \; notify :"me", 'b' \; notify :"me", 'a' \; select 'sent' as said;
begin \; notify :"me", 'c' \; commit \; select 1/0;
do $$ begin perform pg_notify('d_listen_strings', 'from do'); end $$;
do $$ begin execute 'unlisten d_listen_strings'; end $$;
select count(*) from pg_listening_channels();
