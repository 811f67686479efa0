/*
 * test_startup.c - start-up packets: each kind, every prefix, hostile ones, and `options`.
 */
#include <stdio.h>

#include "base/bug.h"
#include "check_wire.h"
#include "wire/startup.h"

static int check_prefixes(struct slice packet, struct startup *out)
{
	for (size_t n = 0; n < packet.len; n++)
		ck_assert_int_eq(startup_read(slice_head(packet, n), out), 0);
	return startup_read(packet, out);
}

START_TEST(reads_a_message)
{
	struct slice packet =
		SLICE("\0\0\0\x2e\0\3\0\0user\0ann\0database\0db\0user\0bob\0x\0\0y\0z\0\0more");
	struct startup s;
	struct slice params, name, value;

	ck_assert_int_eq(startup_read(packet, &s), 46);
	ck_assert_int_eq(check_prefixes(slice_head(packet, 46), &s), 46);
	ck_assert_int_eq(s.kind, STARTUP_MESSAGE);
	ck_assert_uint_eq(s.major, 3);
	ck_assert_uint_eq(s.minor, 0);
	static const char *want[][2] = { { "user", "ann" },
					 { "database", "db" },
					 { "user", "bob" },
					 { "x", "" },
					 { "y", "z" } };
	params = s.params;
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		ck_assert(startup_next(&params, &name, &value));
		ck_assert(slice_eq_str(name, want[i][0]));
		ck_assert(slice_eq_str(value, want[i][1]));
	}
	ck_assert(!startup_next(&params, &name, &value));
	ck_assert(startup_get(&s, "user", &value));
	ck_assert(slice_eq_str(value, "bob")); /* the last one counts */
	ck_assert(startup_get(&s, "x", &value));
	ck_assert_uint_eq(value.len, 0);
	ck_assert(!startup_get(&s, "use", &value));
	ck_assert(!startup_get(&s, "ann", &value)); /* a value is no name */
}
END_TEST

START_TEST(reads_a_message_without_parameters)
{
	struct startup s;
	struct slice name, value;
	ck_assert_int_eq(check_prefixes(SLICE("\0\0\0\x9\0\3\0\2\0"), &s), 9);
	ck_assert_int_eq(s.kind, STARTUP_MESSAGE);
	ck_assert_uint_eq(s.minor, 2);
	ck_assert(!startup_next(&s.params, &name, &value));
}
END_TEST

START_TEST(reads_the_requests)
{
	struct startup s;
	ck_assert_int_eq(check_prefixes(SLICE("\0\0\0\x8\x04\xd2\x16\x2f"), &s), 8);
	ck_assert_int_eq(s.kind, STARTUP_SSL);
	ck_assert_int_eq(check_prefixes(SLICE("\0\0\0\x8\x04\xd2\x16\x30"), &s), 8);
	ck_assert_int_eq(s.kind, STARTUP_GSSENC);
	ck_assert_int_eq(startup_read(SLICE("\0\0\0\x9\x04\xd2\x16\x2f!"), &s), STARTUP_BAD_LENGTH);
	ck_assert_int_eq(startup_read(SLICE("\0\0\0\x9\x04\xd2\x16\x30!"), &s), STARTUP_BAD_LENGTH);
	/* What follows is the caller's to look at. */
	ck_assert_int_eq(startup_read(SLICE("\0\0\0\x8\x04\xd2\x16\x2fQ\0\0\0\4"), &s), 8);
}
END_TEST

START_TEST(reads_a_cancel_request)
{
	struct startup s;
	struct slice packet = SLICE("\0\0\0\x10\x04\xd2\x16\x2e\0\0\1\2abcd");
	ck_assert_int_eq(check_prefixes(packet, &s), 16);
	ck_assert_int_eq(s.kind, STARTUP_CANCEL);
	ck_assert_uint_eq(s.cancel_pid, 0x102);
	ck_assert(slice_eq(s.cancel_key, SLICE("abcd")));
}
END_TEST

START_TEST(cancel_keys_of_every_length)
{
	for (size_t key = 0; key < 300; key++) {
		char packet[320] = { 0 };
		struct startup s;
		size_t len = 12 + key;
		packet[2] = (char)(len >> 8);
		packet[3] = (char)len;
		memcpy(packet + 4, "\x04\xd2\x16\x2e", 4);
		int want = key >= 4 && key <= 256 ? (int)len : STARTUP_BAD_CANCEL;
		ck_assert_int_eq(startup_read(slice_make(packet, len), &s), want);
		if (want > 0)
			ck_assert_uint_eq(s.cancel_key.len, key);
	}
	struct startup s; /* not even a pid */
	ck_assert_int_eq(startup_read(SLICE("\0\0\0\xa\x04\xd2\x16\x2e\0\0"), &s),
			 STARTUP_BAD_CANCEL);
}
END_TEST

START_TEST(unknown_versions)
{
	struct startup s;
	ck_assert_int_eq(startup_read(SLICE("\0\0\0\x9\0\2\0\0!"), &s), 9);
	ck_assert_int_eq(s.kind, STARTUP_UNKNOWN_VERSION);
	ck_assert_uint_eq(s.major, 2);
	ck_assert_int_eq(startup_read(SLICE("\0\0\0\x8\0\4\0\1"), &s), 8);
	ck_assert_int_eq(s.kind, STARTUP_UNKNOWN_VERSION);
	ck_assert_uint_eq(s.minor, 1);
	ck_assert_int_eq(startup_read(SLICE("\0\0\0\x8\x04\xd2\x16\x31"), &s), 8);
	ck_assert_int_eq(s.kind, STARTUP_UNKNOWN_VERSION);
}
END_TEST

START_TEST(hostile_lengths)
{
	static const uint32_t lengths[] = { 0,          1,          3,          4,
					    7,          10005,      0x7fffffff, 0x80000000,
					    0x80000008, 0xfffffffe, 0xffffffff };
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		uint32_t n = lengths[i];
		char in[8] = {
			(char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n, 0, 3, 0, 0
		};
		struct startup s;
		ck_assert_int_eq(startup_read(slice_make(in, 4), &s), STARTUP_BAD_LENGTH);
		ck_assert_int_eq(startup_read(slice_make(in, 8), &s), STARTUP_BAD_LENGTH);
	}
}
END_TEST

START_TEST(hostile_parameters)
{
	static const char *const bodies[] = {
		"\0\0\0\x8\0\3\0\0",                /* no terminator */
		"\0\0\0\xc\0\3\0\0user",            /* a name without an end */
		"\0\0\0\xd\0\3\0\0user\0",          /* no value */
		"\0\0\0\xf\0\3\0\0user\0an",        /* a value without an end */
		"\0\0\0\x11\0\3\0\0user\0ann\0",    /* no terminator behind the pairs */
		"\0\0\0\xa\0\3\0\0\0\0",            /* two terminators */
		"\0\0\0\x13\0\3\0\0user\0ann\0\0!", /* something behind it */
	};
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct startup s;
		struct slice in = slice_make(bodies[i], (size_t)(uint8_t)bodies[i][3]);
		ck_assert_msg(startup_read(in, &s) == STARTUP_BAD_PARAMS, "row %zu", i);
	}
}
END_TEST

START_TEST(the_longest)
{
	static char packet[STARTUP_MAX_BYTES];
	struct startup s;
	struct slice value;
	memset(packet, 'x', sizeof(packet));
	memcpy(packet, "\0\0\x27\x14\0\3\0\0n", 10);
	packet[sizeof(packet) - 2] = packet[sizeof(packet) - 1] = '\0';
	ck_assert_int_eq(startup_read(slice_make(packet, sizeof(packet)), &s), 10004);
	ck_assert(startup_get(&s, "n", &value));
	ck_assert_uint_eq(value.len, sizeof(packet) - 12);
	ck_assert_int_eq(startup_read(slice_make(packet, sizeof(packet) - 1), &s), 0);
}
END_TEST

START_TEST(sees_tls)
{
	ck_assert(startup_is_tls(SLICE("\x16\x03\x01")));
	ck_assert(!startup_is_tls(SLICE("\0\x16")));
	ck_assert(!startup_is_tls(SLICE_NONE));
	struct startup s;
	ck_assert_int_eq(startup_read(SLICE("\x16\x03\x01\x02"), &s), STARTUP_BAD_LENGTH);
}
END_TEST

START_TEST(says_what_is_wrong)
{
	ck_assert_str_eq(startup_error_text(STARTUP_BAD_LENGTH),
			 "invalid length of startup packet");
	ck_assert_str_eq(startup_error_text(STARTUP_BAD_PARAMS),
			 "expected terminator as last byte");
	ck_assert_str_eq(startup_error_text(STARTUP_BAD_CANCEL),
			 "invalid length of cancel request");
	ck_assert_str_eq(startup_error_text(0), "unknown fault");
}
END_TEST

/* ---- options ---------------------------------------------------------------------------- */

/* One option a line: "name=value", or "!word" for one that is not a setting. */
static const struct {
	const char *in, *out;
} options[] = {
	{ "", "" },
	{ "   ", "" },
	{ "-c a=b", "a=b\n" },
	{ "-ca=b", "a=b\n" },
	{ "--a=b", "a=b\n" },
	{ " \t-c\n a=b  --c-d-e=f-g ", "a=b\nc_d_e=f-g\n" },
	{ "-c search_path=a,\\ b -c x=", "search_path=a, b\nx=\n" },
	{ "-c a\\=b=c", "a=b=c\n" }, /* the backslash goes before anything is looked at */
	{ "-c a=b\\\\c", "a=b\\c\n" },
	{ "-c a=b\\", "a=b\n" },
	{ "\\-c a=b", "a=b\n" },
	{ "-c geqo=off -e --b=1", "geqo=off\n!-e\nb=1\n" },
	{ "-c", "!-c\n" },
	{ "-c nothing", "!nothing\n" },
	{ "-c =b", "!=b\n" },
	{ "-c=b", "!-c=b\n" },
	{ "--", "!--\n" },
	{ "--x", "!--x\n" },
	{ "--=b", "!--=b\n" },
	{ "a=b", "!a=b\n" },
	{ "-C a=b", "!-C\n!a=b\n" },
	{ "\\", "!\n" },
	{ "-c \\\ta=b", "\ta=b\n" },
	{ "-c a=b=c", "a=b=c\n" },
};

START_TEST(options_are_split_as_in_postgresql)
{
	struct startup_options it;
	struct startup_option opt;
	char got[200] = "";

	startup_options_init(&it, slice_of(options[_i].in));
	while (startup_options_next(&it, &opt)) {
		size_t at = strlen(got);
		snprintf(got + at, sizeof(got) - at, "%s%.*s%s%.*s\n", opt.is_setting ? "" : "!",
			 SLICE_ARGS(opt.name), opt.is_setting ? "=" : "", SLICE_ARGS(opt.value));
	}
	ck_assert(!startup_options_next(&it, &opt));
	startup_options_fini(&it);
	ck_assert_str_eq(got, options[_i].out);
}
END_TEST

START_TEST(options_beyond_what_a_packet_holds)
{
	static char value[2 * STARTUP_MAX_BYTES];
	struct startup_options it;
	struct startup_option opt;
	memset(value, 'a', sizeof(value));
	startup_options_init(&it, slice_make(value, sizeof(value)));
	ck_assert(!startup_options_next(&it, &opt));
	startup_options_fini(&it);
}
END_TEST

Suite *suite_startup(void)
{
	Suite *s = suite_create("startup");
	TCase *tc = tcase_create("startup");
	tcase_add_test(tc, reads_a_message);
	tcase_add_test(tc, reads_a_message_without_parameters);
	tcase_add_test(tc, reads_the_requests);
	tcase_add_test(tc, reads_a_cancel_request);
	tcase_add_test(tc, cancel_keys_of_every_length);
	tcase_add_test(tc, unknown_versions);
	tcase_add_test(tc, hostile_lengths);
	tcase_add_test(tc, hostile_parameters);
	tcase_add_test(tc, the_longest);
	tcase_add_test(tc, sees_tls);
	tcase_add_test(tc, says_what_is_wrong);
	tcase_add_loop_test(tc, options_are_split_as_in_postgresql, 0, COUNT_OF(options));
	tcase_add_test(tc, options_beyond_what_a_packet_holds);
	suite_add_tcase(s, tc);
	return s;
}
