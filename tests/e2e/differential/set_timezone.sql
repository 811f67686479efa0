-- SET TIME ZONE in its spellings.
set time zone 'Europe/Berlin';
select '2024-01-01 00:00+00'::timestamptz;
set time zone -7;
show timezone;
select '2024-01-01 00:00+00'::timestamptz;
set time zone interval '-08:00' hour to minute;
show timezone;
set timezone = 'Asia/Kolkata';
select '2024-07-01 00:00+00'::timestamptz;
set time zone local;
show timezone;
set timezone to 'no/where';
show timezone;
set time zone default;
show timezone;
