-- NOTIFY to oneself.
listen :me;
notify :me, 'hello';
select pg_listening_channels() = :'me' as mine;
select pg_notify(:'me', 'by function');
unlisten :me;
notify :me, 'unheard';
select count(*) from pg_listening_channels();
