-- Nothing, and almost nothing.
;
;;
-- only a comment
/* and another */ ;
select;
select \; select 1;
