-- Quotes, dollars and comments that hide words.
select 'set work_mem = ''9MB''' as a, $$listen x$$ as b, $q$create $$temp$$ table$q$ as c;
select 1 as "prepare p as select 1"; -- set work_mem = '9MB'
/* set work_mem = '9MB'; /* listen x; */ */ select 2;
select U&'d\0061t\+000061' as d, E'\u00e4' = chr(228) as e, b'101', x'1f';
show work_mem;
