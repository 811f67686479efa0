-- SET inside DO.
do $$ begin set work_mem = '7MB'; end $$;
show work_mem;
do $$ begin execute 'set my.inside_do = ''yes'''; end $$;
show my.inside_do;
do $$ begin set local work_mem = '8MB'; end $$;
show work_mem;
do $$ begin begin set work_mem = '9MB'; raise exception 'x'; exception when others then null; end; end $$;
show work_mem;
reset all;
