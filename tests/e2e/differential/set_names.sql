-- SET NAMES and client_encoding: bytes come back as the client reads them.
show client_encoding;
set names 'LATIN1';
show client_encoding;
select length(chr(228)), convert_to(chr(228), 'UTF8');
set names;
show client_encoding;
set client_encoding to 'WIN1252';
show client_encoding;
set client_encoding to 'no such';
show client_encoding;
reset client_encoding;
show client_encoding;
