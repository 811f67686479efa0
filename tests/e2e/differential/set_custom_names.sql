-- Names of settings in other letters, quoted, with three parts.
set My.Tenant_Names = 'a';
show my.tenant_names;
set "my"."tenant_names" = 'b';
show MY.TENANT_NAMES;
set my.one.two = 'c';
show my.one.two;
set "my"."with space" = 'd';
set my.long_value = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
show my.long_value;
select current_setting('my.never_set');
