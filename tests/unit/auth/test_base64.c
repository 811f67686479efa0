/*
 * test_base64.c - base64, RFC 4648, and what it has to refuse.
 */
#include "auth/base64.h"

#include <stdint.h>

#include "check_auth.h"

static const struct {
	const char *raw, *text;
} rfc[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

START_TEST(vectors_of_the_rfc)
{
	char text[16], raw[16];
	struct slice want = slice_of(rfc[_i].raw);
	ck_assert_uint_eq(base64_encode(want.ptr, want.len, text), strlen(rfc[_i].text));
	ck_assert_str_eq(text, rfc[_i].text);
	ssize_t n = base64_decode(slice_of(text), raw, sizeof(raw));
	ck_assert_int_eq(n, (ssize_t)want.len);
	ck_assert(slice_eq(slice_make(raw, (size_t)n), want));
}
END_TEST

START_TEST(every_length_and_byte_goes_round)
{
	uint8_t raw[300], back[300];
	char text[BASE64_TEXT_BYTES(sizeof(raw)) + 1];
	for (size_t n = 0; n <= sizeof(raw); n++) {
		for (size_t i = 0; i < n; i++)
			raw[i] = (uint8_t)(i * 37 + n);
		size_t len = base64_encode(raw, n, text);
		ck_assert_uint_eq(len, BASE64_TEXT_BYTES(n));
		ck_assert_int_eq(base64_decode(slice_make(text, len), back, sizeof(back)),
				 (ssize_t)n);
		ck_assert(n == 0 || memcmp(raw, back, n) == 0);
		if (n > 0) /* one byte too few */
			ck_assert_int_eq(base64_decode(slice_make(text, len), back, n - 1), -1);
	}
}
END_TEST

START_TEST(refuses)
{
	static const char *const bad[] = {
		"Z",    "Zg",   "Zg=",     "Zm9",      "Zm9vYg",   "====",     "=g==",
		"Z===", "Zh==", "Zm9=",    "Zg==Zg==", "Zm 9v",    "Zm9v\n",   " Zm9v",
		"Zm9-", "Zm9_", "Zm9\xc3", "Zm=v",     "Zm9v====", "Zm9vZg=v",
	};
	uint8_t raw[16];
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		ck_assert_msg(base64_decode(slice_of(bad[i]), raw, sizeof(raw)) == -1, "%s",
			      bad[i]);
	ck_assert_int_eq(base64_decode(SLICE("Zm\0v"), raw, sizeof(raw)), -1);
}
END_TEST

Suite *suite_base64(void)
{
	Suite *s = suite_create("base64");
	TCase *tc = tcase_create("base64");
	tcase_add_loop_test(tc, vectors_of_the_rfc, 0, COUNT_OF(rfc));
	tcase_add_test(tc, every_length_and_byte_goes_round);
	tcase_add_test(tc, refuses);
	suite_add_tcase(s, tc);
	return s;
}
