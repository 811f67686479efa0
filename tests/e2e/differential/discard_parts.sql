-- DISCARD PLANS, SEQUENCES, TEMP.
create sequence s;
select nextval('s');
discard plans;
select currval('s');
discard sequences;
select currval('s');
create temp table t (a int);
discard temporary;
select * from t;
drop sequence s;
