-- COPY to the client.
copy (select n, 'a' || n from generate_series(1, 3) n) to stdout;
copy (select 'a,b' as x, null as y) to stdout with (format csv, header);
copy nothing_there to stdout;
\copy (select 1/0) to stdout
select 1;
