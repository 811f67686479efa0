-- A trigger that sets something for its transaction.
create table t (a int);
create table log (a int, note text);
create function before() returns trigger language plpgsql as
$$ begin perform set_config('my.trigger_set_local', 'row ' || new.a, true); return new; end $$;
create function after() returns trigger language plpgsql as
$$ begin insert into log values (new.a, current_setting('my.trigger_set_local')); return new; end $$;
create trigger b before insert on t for each row execute function before();
create trigger c after insert on t for each row execute function after();
insert into t values (1), (2);
select * from log order by a;
select coalesce(current_setting('my.trigger_set_local', true), '') as v;
begin;
insert into t values (3);
show my.trigger_set_local;
commit;
select coalesce(current_setting('my.trigger_set_local', true), '') as v;
drop table t, log;
drop function before, after;
