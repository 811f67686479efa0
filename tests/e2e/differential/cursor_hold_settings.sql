-- A cursor WITH HOLD has the rows of its commit, as they are shown now.
create temp table t as select '2020-02-01'::date as d, 1.25::float8 as f;
declare c scroll cursor with hold for select d, f, current_setting('datestyle') as then from t;
set datestyle = 'German';
set extra_float_digits = -15;
update t set d = '2021-01-01';
fetch first from c;
reset datestyle;
reset extra_float_digits;
fetch first from c;
drop table t;
fetch first from c;
close c;
