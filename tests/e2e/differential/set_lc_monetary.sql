-- Locales and the forms of numbers.
set lc_monetary = 'C';
select 12.5::money;
set lc_numeric = 'C';
select to_char(1234.5, '9G999D9');
set lc_time = 'C';
select to_char(date '2024-03-02', 'TMMonth');
set lc_messages = 'C';
show lc_messages;
