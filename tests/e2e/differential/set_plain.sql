-- A setting stays for the session, and RESET undoes it.
show work_mem;
set work_mem = '7MB';
show work_mem;
set work_mem to 8192;
show work_mem;
reset work_mem;
show work_mem;
set work_mem = default;
show work_mem;
