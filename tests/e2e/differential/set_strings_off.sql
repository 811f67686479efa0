-- standard_conforming_strings off: a backslash escapes, and may hide a quote.
set standard_conforming_strings = off;
set escape_string_warning = off;
select 'a\'; set work_mem = ''9MB''; --' as text;
show work_mem;
select 'it\'s' as a, E'\x41' as b, 'a\\b' as c;
set backslash_quote = off;
select 'it\'s';
set standard_conforming_strings = on;
select 'a\' as a;
reset all;
