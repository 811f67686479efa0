-- A trigger that sets something for the session, which statements without a word of it run.
create table rows(id int, tenant text);
create function note() returns trigger language plpgsql as
$$ begin perform set_config('my.tenant', new.tenant, false); perform set_config('work_mem', '7MB', false); return new; end $$;
create trigger t before insert or update on rows for each row execute function note();
insert into rows values (1, 'red');
show my.tenant;
show work_mem;
begin;
insert into rows values (2, 'blue');
show my.tenant;
rollback;
show my.tenant;
prepare p(text) as update rows set tenant = $1 where id = 1;
execute p('green');
deallocate p;
show my.tenant;
reset work_mem;
copy rows from stdin;
3	by copy
\.
show my.tenant;
show work_mem;
insert into rows select 4, 'x' on conflict do nothing \; show my.tenant;
show my.tenant;
update rows set tenant = 'late' where id = 2 returning current_setting('my.tenant');
select count(*) from rows;
drop trigger t on rows;
insert into rows values (5, 'not seen');
show my.tenant;
drop table rows;
drop function note();
