-- Values that are words and numbers.
set enable_seqscan = on; set enable_sort to false; set geqo = no; set jit = 'of';
show enable_sort; show geqo; show jit;
set seq_page_cost = 1e1; show seq_page_cost;
set seq_page_cost = .5; show seq_page_cost;
set extra_float_digits = -3; show extra_float_digits;
set work_mem = 0x2000; show work_mem;
set work_mem = 4096.4; show work_mem;
set statement_timeout = '1.5min'; show statement_timeout;
reset all;
