-- bytea_output.
select '\x0061ff'::bytea;
set bytea_output = 'escape';
select '\x0061ff'::bytea;
set bytea_output = hex;
select '\x0061ff'::bytea;
set bytea_output to 'escape';
select '\x5c'::bytea;
