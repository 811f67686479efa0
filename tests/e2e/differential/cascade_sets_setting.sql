-- Rows that go with others, and what their triggers set.
create table orders(id int primary key);
create table items(id int, of_order int references orders on delete cascade on update cascade);
create function gone() returns trigger language plpgsql as
$$ begin perform set_config('my.gone', old.id::text, false); return old; end $$;
create trigger t after delete or update on items for each row execute function gone();
insert into orders values (1), (2), (3);
insert into items values (10, 1), (20, 2), (30, 3);
delete from orders where id = 1;
show my.gone;
update orders set id = 4 where id = 2;
show my.gone;
begin;
delete from orders where id = 3;
show my.gone;
rollback;
show my.gone;
create table parts(n int) partition by range (n);
create table parts_1 partition of parts for values from (0) to (10);
create function put() returns trigger language plpgsql as
$$ begin perform set_config('my.put', new.n::text, false); return new; end $$;
create trigger t before insert on parts_1 for each row execute function put();
insert into parts values (5);
show my.put;
drop table items;
drop table orders;
drop table parts;
drop function gone();
drop function put();
