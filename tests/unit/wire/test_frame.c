/*
 * test_frame.c - heads of messages: every prefix, every hostile length, every type byte.
 */
#include "base/bug.h"
#include "check_wire.h"
#include "wire/frame.h"

static int read_head(const char *type, uint32_t length, uint32_t max, struct frame *f)
{
	char head[5] = { *type, (char)(length >> 24), (char)(length >> 16), (char)(length >> 8),
			 (char)length };
	return frame_read(slice_make(head, sizeof(head)), max, f);
}

START_TEST(finds_the_border)
{
	struct frame f;
	struct slice in = SLICE("Q\0\0\0\x0dselect 1\0S\0\0\0\4");
	ck_assert_int_eq(frame_read(in, FRAME_MAX_BODY_BYTES, &f), FRAME_HEAD_BYTES);
	ck_assert_int_eq(f.type, 'Q');
	ck_assert_uint_eq(f.body_bytes, 9);
	ck_assert(slice_eq(f.body, SLICE("select 1\0")));
	ck_assert(frame_is_whole(&f));
	ck_assert_uint_eq(frame_bytes(&f), 14);

	in = slice_skip(in, frame_bytes(&f));
	ck_assert_int_eq(frame_read(in, 0, &f), FRAME_HEAD_BYTES);
	ck_assert_int_eq(f.type, 'S');
	ck_assert_uint_eq(f.body_bytes, 0);
	ck_assert(frame_is_whole(&f));
	ck_assert_uint_eq(slice_skip(in, frame_bytes(&f)).len, 0);
}
END_TEST

START_TEST(every_prefix)
{
	struct slice in = SLICE("D\0\0\0\x0d"
				"abcdefghi");
	for (size_t n = 0; n < in.len; n++) {
		struct frame f;
		int rc = frame_read(slice_head(in, n), 100, &f);
		ck_assert_int_eq(rc, n < 5 ? 0 : FRAME_HEAD_BYTES);
		if (rc == 0)
			continue;
		ck_assert_uint_eq(f.body_bytes, 9);
		ck_assert_uint_eq(f.body.len, n - 5);
		ck_assert(!frame_is_whole(&f));
	}
}
END_TEST

START_TEST(hostile_lengths)
{
	static const struct {
		uint32_t length;
		int want;
	} rows[] = {
		{ 0, FRAME_TOO_SHORT },         { 1, FRAME_TOO_SHORT },
		{ 3, FRAME_TOO_SHORT },         { 4, FRAME_HEAD_BYTES },
		{ 5, FRAME_HEAD_BYTES },        { 1004, FRAME_HEAD_BYTES },
		{ 1005, FRAME_TOO_LONG },       { 0x7fffffff, FRAME_TOO_LONG },
		{ 0x80000000, FRAME_TOO_LONG }, { 0x80000004, FRAME_TOO_LONG },
		{ 0xfffffffe, FRAME_TOO_LONG }, { 0xffffffff, FRAME_TOO_LONG },
	};
	for (int c = 0; c < 256; c++) {
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			struct frame f;
			char type = (char)c;
			ck_assert_int_eq(read_head(&type, rows[i].length, 1000, &f), rows[i].want);
		}
	}
}
END_TEST

START_TEST(the_longest)
{
	struct frame f;
	ck_assert_int_eq(read_head("D", 0xffffffffu, UINT32_MAX, &f), FRAME_HEAD_BYTES);
	ck_assert_uint_eq(f.body_bytes, 0xfffffffbu);
	ck_assert_uint_eq(f.body.len, 0);
	ck_assert(frame_bytes(&f) == (size_t)0x100000000); /* does not wrap */
	ck_assert_int_eq(read_head("D", FRAME_MAX_BODY_BYTES + 4, FRAME_MAX_BODY_BYTES, &f), 5);
	ck_assert_int_eq(read_head("D", FRAME_MAX_BODY_BYTES + 5, FRAME_MAX_BODY_BYTES, &f),
			 FRAME_TOO_LONG);
}
END_TEST

START_TEST(knows_the_types)
{
	static const char client[] = "BCDEFHPQSXcdfp", server[] = "123ACDEGHIKNRSTVWZcdnstv";
	for (int c = 0; c < 256; c++) {
		bool from_client = c && strchr(client, c), from_server = c && strchr(server, c);
		ck_assert_int_eq(frame_is_known(FRAME_FROM_CLIENT, (char)c), from_client);
		ck_assert_int_eq(frame_is_known(FRAME_FROM_SERVER, (char)c), from_server);
		ck_assert_int_eq(frame_name(FRAME_FROM_CLIENT, (char)c) != NULL, from_client);
		ck_assert_int_eq(frame_name(FRAME_FROM_SERVER, (char)c) != NULL, from_server);
	}
	ck_assert_str_eq(frame_name(FRAME_FROM_CLIENT, 'D'), "Describe");
	ck_assert_str_eq(frame_name(FRAME_FROM_SERVER, 'D'), "DataRow");
}
END_TEST

START_TEST(knows_the_caps)
{
	ck_assert_uint_eq(frame_max_body(FRAME_FROM_CLIENT, 'S', 1u << 30), 10000);
	ck_assert_uint_eq(frame_max_body(FRAME_FROM_CLIENT, 'S', 10), 10);
	ck_assert_uint_eq(frame_max_body(FRAME_FROM_CLIENT, 'Q', 1u << 30), 1u << 30);
	ck_assert_uint_eq(frame_max_body(FRAME_FROM_CLIENT, 'Z', 1u << 30), 0);
	ck_assert_uint_eq(frame_max_body(FRAME_FROM_SERVER, 'Z', 1u << 30), 1);
	ck_assert(frame_wants_whole(FRAME_FROM_SERVER, 'Z'));
	ck_assert(frame_wants_whole(FRAME_FROM_CLIENT, 'E'));
	ck_assert(!frame_wants_whole(FRAME_FROM_SERVER, 'D'));
	ck_assert(!frame_wants_whole(FRAME_FROM_CLIENT, 'Q'));
	ck_assert(!frame_wants_whole(FRAME_FROM_CLIENT, 'Z'));
}
END_TEST

/* Rows behind a row: as many as are alike, and not a byte more of anything else. */
START_TEST(more_of_the_same)
{
	static const char in[] = "D\0\0\0\5aD\0\0\0\6bcD\0\0\0\x8zxyw";
	static const struct {
		size_t bytes, taken;
		uint32_t max, left;
	} cases[] = {
		{ 0, 0, 100, 77 },  { 5, 0, 100, 77 },   { 6, 6, 100, 77 },   { 7, 6, 100, 77 },
		{ 11, 6, 100, 77 }, { 12, 12, 100, 1 },  { 13, 13, 100, 77 }, { 18, 13, 100, 77 },
		{ 19, 19, 100, 3 }, { 22, 22, 100, 77 }, { 22, 13, 3, 77 },   { 22, 6, 1, 77 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t left = 77;
		size_t taken = frame_more(slice_make(in, cases[i].bytes), 'D', cases[i].max, &left);
		ck_assert_msg(taken == cases[i].taken && left == cases[i].left,
			      "case %zu: %zu bytes, %u left", i, taken, left);
		ck_assert_uint_eq(frame_more(slice_make(in, cases[i].bytes), 'd', 100, &left), 0);
	}
	uint32_t left = 77;
	ck_assert_uint_eq(frame_more(SLICE("D\0\0\0\3abc"), 'D', 100, &left), 0);
	ck_assert_uint_eq(
		frame_more(SLICE("D\xff\xff\xff\xff..."), 'D', FRAME_MAX_BODY_BYTES, &left), 0);
	ck_assert_uint_eq(left, 77);
}
END_TEST

START_TEST(says_what_is_wrong)
{
	ck_assert_str_eq(frame_error_text(FRAME_TOO_SHORT), "message length too small");
	ck_assert_str_eq(frame_error_text(FRAME_TOO_LONG), "message too long");
	ck_assert_str_eq(frame_error_text(-99), "unknown fault");
}
END_TEST

Suite *suite_frame(void)
{
	Suite *s = suite_create("frame");
	TCase *tc = tcase_create("frame");
	tcase_add_test(tc, finds_the_border);
	tcase_add_test(tc, every_prefix);
	tcase_add_test(tc, hostile_lengths);
	tcase_add_test(tc, the_longest);
	tcase_add_test(tc, knows_the_types);
	tcase_add_test(tc, knows_the_caps);
	tcase_add_test(tc, more_of_the_same);
	tcase_add_test(tc, says_what_is_wrong);
	suite_add_tcase(s, tc);
	return s;
}
