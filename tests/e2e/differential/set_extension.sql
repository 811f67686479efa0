-- A setting of an extension, before and behind the loading of that.
set pg_trgm.similarity_threshold = 0.9;
show pg_trgm.similarity_threshold;
begin;
set pg_trgm.similarity_threshold = 0.8;
rollback;
select set_limit(0.7);
select show_limit();
show pg_trgm.similarity_threshold;
select 'abcdef' % 'abcdxx';
reset pg_trgm.similarity_threshold;
select show_limit();
do $$ begin perform set_config('pg_trgm.similarity_threshold', '0.1', false); end $$;
select show_limit(), 'abcdef' % 'abcdxx';
discard all;
select show_limit();
