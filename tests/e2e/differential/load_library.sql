-- LOAD.
load 'plpgsql';
load 'no such library';
set plpgsql.extra_warnings = 'none';
show plpgsql.extra_warnings;
