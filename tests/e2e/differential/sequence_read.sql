-- currval and lastval are the session's.
create sequence s;
select nextval('s');
select nextval('s');
select currval('s'), lastval();
select setval('s', 10);
select currval('s');
drop sequence s;
