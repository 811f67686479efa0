-- extra_float_digits.
select 0.1::float8 + 0.2, 1/3::float4;
set extra_float_digits = 0;
select 0.1::float8 + 0.2, 1/3::float4;
set extra_float_digits = -10;
select 0.1::float8 + 0.2, 1/3::float4;
reset extra_float_digits;
select 0.1::float8 + 0.2;
