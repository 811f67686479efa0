-- DateStyle has two parts which are set apart.
show datestyle;
set datestyle = 'SQL, DMY';
select '02/03/2024'::date;
set datestyle = 'German';
select date '2024-03-02';
show datestyle;
set datestyle = iso;
select date '2024-03-02';
set datestyle to postgres, mdy;
select date '2024-03-02', timestamp '2024-03-02 10:11:12';
set datestyle = 'ISO, YMD';
show datestyle;
reset datestyle;
show datestyle;
