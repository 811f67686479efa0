-- SET TIME ZONE in all its spellings.
set time zone 'America/Lima';
show time zone;
set time zone -7;
show timezone;
select '2020-01-01 00:00 UTC'::timestamptz;
set time zone interval '-03:30' hour to minute;
show timezone;
select '2020-01-01 00:00 UTC'::timestamptz;
set local time zone 'Asia/Tokyo';
show timezone;
begin;
set local time zone 'Asia/Tokyo';
select '2020-01-01 00:00 UTC'::timestamptz;
commit;
select '2020-01-01 00:00 UTC'::timestamptz;
set time zone nowhere;
set time zone 'UTC';
select '2020-01-01 00:00 UTC'::timestamptz;
