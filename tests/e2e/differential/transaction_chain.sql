-- AND CHAIN.
begin isolation level serializable read only;
show transaction_isolation;
commit and chain;
show transaction_isolation;
rollback and chain;
show transaction_read_only;
commit and no chain;
show transaction_isolation;
commit and chain;
