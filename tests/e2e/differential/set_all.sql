-- RESET ALL.
set work_mem = '9MB';
set time zone 'Asia/Tokyo';
set my.all_of_them = 'x';
set role diff_a;
reset all;
show work_mem;
show timezone;
select current_setting('my.all_of_them') = '' as empty;
select current_user;
reset role;
select current_setting('search_path') = :'me' || ',public' as as_asked;
