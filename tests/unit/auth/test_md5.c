/*
 * test_md5.c - md5 passwords, against what PostgreSQL and libpq make.
 */
#include "auth/md5.h"

#include "check_auth.h"

START_TEST(as_postgresql_keeps_it)
{
	char hex[MD5_HEX_BYTES + 1];
	ck_assert(md5_of_password(SLICE(KNOWN_MD5_PASSWORD), SLICE(KNOWN_MD5_USER), hex));
	ck_assert_str_eq(hex, &KNOWN_MD5[3]);
	ck_assert(md5_of_password(SLICE(""), SLICE(""), hex));
	ck_assert_str_eq(hex, "d41d8cd98f00b204e9800998ecf8427e");
	ck_assert(md5_of_password(SLICE("ab"), SLICE("c"), hex));
	ck_assert_str_eq(hex, "900150983cd24fb0d6963f7d28e17f72");
}
END_TEST

START_TEST(as_it_is_sent)
{
	/* computed with python's hashlib */
	static const uint8_t salt[MD5_SALT_BYTES] = { 0x01, 0x00, 0xfe, 0x7f };
	char answer[MD5_ANSWER_BYTES + 1];
	ck_assert(md5_answer(&KNOWN_MD5[3], salt, answer));
	ck_assert_str_eq(answer, "md5cc1d37e966ee87bee75b490ff6b70cd9");
}
END_TEST

Suite *suite_md5(void)
{
	Suite *s = suite_create("md5");
	TCase *tc = tcase_create("md5");
	tcase_add_test(tc, as_postgresql_keeps_it);
	tcase_add_test(tc, as_it_is_sent);
	suite_add_tcase(s, tc);
	return s;
}
