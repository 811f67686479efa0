-- \gset, \gexec and \if.
select 5 as n \gset
select :n + 1 as m;
select format('set my.gexec_%s = %L', i, i) from generate_series(1, 2) i \gexec
show my.gexec_2;
select 'show my.gexec_1' \gexec
reset my.gexec_1;
reset my.gexec_2;
