-- Spellings of SET: comments, case, quotes, newlines.
SET/**/Work_Mem/* a */=-- b
'7MB';
show work_mem;
set session work_mem to '8MB';
show WORK_MEM;
set "work_mem" = E'\x39MB';
show work_mem;
set work_mem = $$10MB$$;
set work_mem = 11000;
show "work_mem";
/* a /* nested */ comment */ reset work_mem /* ; */;
show work_mem;
; ;
set work_mem = U&'\0037MB';
show work_mem;
reset work_mem;
