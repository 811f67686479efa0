-- The same by set_config.
select set_config('my.tenant_config', 'a,b "c" ''d'' \e', false);
show my.tenant_config;
select set_config('my.tenant_config', '', false);
select current_setting('my.tenant_config') = '' as empty;
begin;
select set_config('my.tenant_config', 'x', true);
select current_setting('my.tenant_config');
rollback;
select current_setting('my.tenant_config') = '' as empty;
