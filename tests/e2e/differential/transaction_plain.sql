-- BEGIN where there is one, COMMIT where there is none.
commit;
rollback;
begin;
begin;
select 1;
end;
abort;
start transaction;
rollback work;
