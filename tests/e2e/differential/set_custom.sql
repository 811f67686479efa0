-- Settings of one's own.
select current_setting('my.tenant_custom', true) is null or current_setting('my.tenant_custom', true) = '' as none;
set my.tenant_custom = '42';
show my.tenant_custom;
select current_setting('my.tenant_custom');
set my.tenant_custom to 'it''s';
show my.tenant_custom;
reset my.tenant_custom;
select current_setting('my.tenant_custom') = '' as empty;
