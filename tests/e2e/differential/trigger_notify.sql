-- Triggers, rules and views that notify and read settings.
create table t (a int, who text default nullif(current_setting('my.trigger_notify', true), ''));
create function f() returns trigger language plpgsql as
$$ begin perform pg_notify(tg_argv[0], new.a || ' by ' || coalesce(new.who, 'nobody')); return new; end $$;
create trigger r after insert on t for each row execute function f(:me);
create view v as select count(*), current_setting('my.trigger_notify', true) as who from t;
listen :"me";
insert into t values (1);
set my.trigger_notify = 'somebody';
insert into t values (2), (2);
select * from v;
begin;
insert into t values (3);
rollback;
create rule i as on update to t do also notify :"me";
update t set a = a;
unlisten :"me";
insert into t values (4);
reset my.trigger_notify;
select who from t order by a;
drop table t cascade;
drop function f;
