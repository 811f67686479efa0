-- An event trigger, of a kind of command that no other script has.
create function f() returns event_trigger language plpgsql as
$$ begin raise notice '% % in %', tg_event, tg_tag, current_setting('my.event_trigger', true); end $$;
create event trigger :"me" on ddl_command_end when tag in ('CREATE CONVERSION') execute function f();
set my.event_trigger = 'a session';
create conversion c for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
begin;
set local my.event_trigger = 'a transaction';
create conversion d for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
rollback;
alter event trigger :"me" disable;
create conversion d for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
drop event trigger :"me";
drop conversion c;
drop conversion d;
reset my.event_trigger;
drop function f;
