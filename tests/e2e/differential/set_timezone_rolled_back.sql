-- A reported setting, changed and rolled back.
begin;
set time zone 'Asia/Tokyo';
select '2024-01-01 00:00+00'::timestamptz;
rollback;
select '2024-01-01 00:00+00'::timestamptz;
begin;
set local time zone 'Asia/Tokyo';
select '2024-01-01 00:00+00'::timestamptz;
commit;
select '2024-01-01 00:00+00'::timestamptz;
