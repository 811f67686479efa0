-- Names of channels: folded, quoted, long, and payloads of kinds.
listen D_Listen_Names;
listen "D_Listen_Names";
select c from pg_listening_channels() c order by c;
notify d_listen_names;
notify "D_Listen_Names", 'upper';
select pg_notify('d_listen_names', 'it''s');
select pg_notify('', 'x');
select pg_notify(repeat('x', 64), 'x');
select pg_notify('d_listen_names', repeat('x', 8000));
unlisten "D_Listen_Names";
select c from pg_listening_channels() c order by c;
unlisten nothing_of_the_kind;
unlisten *;
notify d_listen_names, 'unheard';
select count(*) from pg_listening_channels();
