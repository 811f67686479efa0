-- What cannot be told in the client's encoding is an error.
\encoding LATIN1
select chr(8364);
select U&'\00e4' = chr(228) as same;
\encoding UTF8
select chr(8364), 'ä' = chr(228) as same;
