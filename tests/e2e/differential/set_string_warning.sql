-- escape_string_warning warns.
set standard_conforming_strings = off;
select 'a\\b';
select 'a\tb';
reset standard_conforming_strings;
select 'a\\b';
