-- Constraints that are checked at the end.
create table p(id int primary key); create table c(id int references p deferrable initially deferred, constraint u unique(id) deferrable);
begin; insert into c values (1); insert into p values (1); commit;
insert into c values (2);
begin; set constraints all immediate; insert into c values (3); rollback;
begin; insert into c values (4); set constraints all immediate; rollback;
set constraints all deferred;
begin; set constraints u deferred; insert into c values (1); delete from c where ctid = (select min(ctid) from c); commit;
begin; set constraints nonexistent deferred; commit;
insert into c values (7); insert into p values (7);
insert into c values (8)\; insert into p values (8);
select * from c order by 1;
drop table c, p;
