/*
 * test_build.c - every builder: the bytes that it makes, read back, and that a buffer at its
 * cap never ends in half a message.
 */
#include "base/bug.h"
#include "check_wire.h"
#include "wire/build.h"
#include "wire/frame.h"
#include "wire/notice.h"
#include "wire/reader.h"
#include "wire/startup.h"

static const struct slice null = { NULL, 0 };

/* ---- each message as bytes ---------------------------------------------------------------- */

static void make_sasl(struct buf *b)
{
	build_auth_sasl(b, (const char *const[]){ "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256" }, 2);
}

static void make_md5(struct buf *b)
{
	build_auth_md5(b, (const uint8_t[]){ 1, 2, 3, 0 });
}

static void make_continue(struct buf *b)
{
	build_auth_sasl_continue(b, SLICE("r=x"));
}

static void make_final(struct buf *b)
{
	build_auth_sasl_final(b, SLICE("v=y"));
}

static void make_negotiate(struct buf *b)
{
	build_negotiate_version(b, STARTUP_VERSION(3, 0), &SLICE("_pq_.x"), 1);
}

static void make_parameter(struct buf *b)
{
	build_parameter_status(b, SLICE("TimeZone"), SLICE("UTC"));
}

static void make_key(struct buf *b)
{
	build_backend_key(b, 0x01020304, SLICE("k\0ey"));
}

static void make_ready(struct buf *b)
{
	build_ready(b, 'T');
}

static void make_notification(struct buf *b)
{
	build_notification(b, 7, SLICE("ch"), SLICE(""));
}

static void make_columns(struct buf *b)
{
	static const struct build_column columns[] = { { "a", BUILD_TEXT }, { "b", BUILD_INT8 } };
	build_row_description(b, columns, 2);
}

static void make_row(struct buf *b)
{
	build_data_row(b, (const struct slice[]){ SLICE("x"), null, SLICE("") }, 3);
}

static void make_row_by_hand(struct buf *b)
{
	size_t at = build_row_begin(b, 3);
	build_valuef(b, "%d-%s", 12, "a");
	build_value_null(b);
	build_value(b, SLICE("\0"));
	build_end(b, at);
}

static void make_tag(struct buf *b)
{
	build_command_complete(b, "SELECT 1");
}

static void make_parameters(struct buf *b)
{
	build_parameter_description(b, (const uint32_t[]){ 25, 23 }, 2);
}

static void make_startup(struct buf *b)
{
	build_startup(b, STARTUP_VERSION(3, 0), &(struct build_param){ SLICE("user"), SLICE("u") },
		      1);
}

static void make_cancel(struct buf *b)
{
	build_cancel_request(b, 5, SLICE("abcd"));
}

static void make_password(struct buf *b)
{
	build_password(b, SLICE("pw"));
}

static void make_sasl_initial(struct buf *b)
{
	build_sasl_initial(b, "S", SLICE("n,,"));
}

static void make_sasl_initial_empty(struct buf *b)
{
	build_sasl_initial(b, "S", null);
}

static void make_sasl_response(struct buf *b)
{
	build_sasl_response(b, SLICE("c="));
}

static void make_query(struct buf *b)
{
	build_query(b, SLICE("select 1"));
}

static void make_parse(struct buf *b)
{
	build_parse(b, SLICE("s"), SLICE("q"), (const uint32_t[]){ 25 }, 1);
}

static void make_bind(struct buf *b)
{
	build_bind(b, SLICE(""), SLICE("s"), (const struct slice[]){ SLICE("v"), null }, 2);
}

static void make_describe(struct buf *b)
{
	build_describe(b, 'S', SLICE("s"));
}

static void make_execute(struct buf *b)
{
	build_execute(b, SLICE("p"), 100);
}

static void make_close(struct buf *b)
{
	build_close(b, 'P', SLICE(""));
}

static void make_copy_fail(struct buf *b)
{
	build_copy_fail(b, SLICE("gone"));
}

#define BYTES(literal)                                                                             \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

static const struct {
	void (*make)(struct buf *b);
	struct slice bytes;
} messages[] = {
	{ build_auth_ok, BYTES("R\0\0\0\10\0\0\0\0") },
	{ build_auth_cleartext, BYTES("R\0\0\0\10\0\0\0\3") },
	{ make_md5, BYTES("R\0\0\0\14\0\0\0\5\1\2\3\0") },
	{ make_sasl, BYTES("R\0\0\0\x2a\0\0\0\12SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0") },
	{ make_continue, BYTES("R\0\0\0\13\0\0\0\13r=x") },
	{ make_final, BYTES("R\0\0\0\13\0\0\0\14v=y") },
	{ make_negotiate, BYTES("v\0\0\0\23\0\3\0\0\0\0\0\1_pq_.x\0") },
	{ make_parameter, BYTES("S\0\0\0\21TimeZone\0UTC\0") },
	{ make_key, BYTES("K\0\0\0\14\1\2\3\4k\0ey") },
	{ make_ready, BYTES("Z\0\0\0\5T") },
	{ make_notification, BYTES("A\0\0\0\14\0\0\0\7ch\0\0") },
	{ make_columns, BYTES("T\0\0\0\x2e\0\2"
			      "a\0\0\0\0\0\0\0\0\0\0\31\xff\xff\xff\xff\xff\xff\0\0"
			      "b\0\0\0\0\0\0\0\0\0\0\24\0\10\xff\xff\xff\xff\0\0") },
	{ make_row, BYTES("D\0\0\0\23\0\3\0\0\0\1x\xff\xff\xff\xff\0\0\0\0") },
	{ make_row_by_hand, BYTES("D\0\0\0\27\0\3\0\0\0\4"
				  "12-a\xff\xff\xff\xff\0\0\0\1\0") },
	{ make_tag, BYTES("C\0\0\0\15SELECT 1\0") },
	{ build_empty_query, BYTES("I\0\0\0\4") },
	{ build_parse_complete, BYTES("1\0\0\0\4") },
	{ build_bind_complete, BYTES("2\0\0\0\4") },
	{ build_close_complete, BYTES("3\0\0\0\4") },
	{ build_no_data, BYTES("n\0\0\0\4") },
	{ build_portal_suspended, BYTES("s\0\0\0\4") },
	{ make_parameters, BYTES("t\0\0\0\16\0\2\0\0\0\31\0\0\0\27") },
	{ make_startup, BYTES("\0\0\0\20\0\3\0\0user\0u\0\0") },
	{ build_ssl_request, BYTES("\0\0\0\10\4\xd2\x16\x2f") },
	{ make_cancel, BYTES("\0\0\0\20\4\xd2\x16\x2e\0\0\0\5"
			     "abcd") },
	{ make_password, BYTES("p\0\0\0\7pw\0") },
	{ make_sasl_initial, BYTES("p\0\0\0\15S\0\0\0\0\3n,,") },
	{ make_sasl_initial_empty, BYTES("p\0\0\0\12S\0\xff\xff\xff\xff") },
	{ make_sasl_response, BYTES("p\0\0\0\6c=") },
	{ make_query, BYTES("Q\0\0\0\15select 1\0") },
	{ make_parse, BYTES("P\0\0\0\16s\0q\0\0\1\0\0\0\31") },
	{ make_bind, BYTES("B\0\0\0\26\0s\0\0\0\0\2\0\0\0\1v\xff\xff\xff\xff\0\0") },
	{ make_describe, BYTES("D\0\0\0\7Ss\0") },
	{ make_execute, BYTES("E\0\0\0\12p\0\0\0\0\x64") },
	{ make_close, BYTES("C\0\0\0\6P\0") },
	{ build_flush, BYTES("H\0\0\0\4") },
	{ build_sync, BYTES("S\0\0\0\4") },
	{ build_terminate, BYTES("X\0\0\0\4") },
	{ build_copy_done, BYTES("c\0\0\0\4") },
	{ make_copy_fail, BYTES("f\0\0\0\11gone\0") },
};

START_TEST(bytes)
{
	struct buf b = { 0 };
	messages[_i].make(&b);
	ck_assert(!buf_failed(&b));
	ck_assert_uint_eq(buf_len(&b), messages[_i].bytes.len);
	ck_assert_mem_eq(buf_slice(&b).ptr, messages[_i].bytes.ptr, messages[_i].bytes.len);
	/* And once more behind it, where the front was consumed. */
	buf_consume(&b, 1);
	messages[_i].make(&b);
	struct slice second = slice_skip(buf_slice(&b), messages[_i].bytes.len - 1);
	ck_assert(slice_eq(second, messages[_i].bytes));
	buf_fini(&b);
}
END_TEST

/* At every cap that is too small: nothing is added, and what was there stays. */
START_TEST(all_or_nothing)
{
	struct slice front = SLICE("Z\0\0\0\5I");
	for (size_t cap = front.len; cap < front.len + messages[_i].bytes.len; cap++) {
		struct buf b;
		buf_init(&b, cap);
		buf_add_slice(&b, front);
		messages[_i].make(&b);
		ck_assert(buf_failed(&b));
		ck_assert(slice_eq(buf_slice(&b), front));
		messages[_i].make(&b); /* sticky */
		ck_assert(slice_eq(buf_slice(&b), front));
		buf_fini(&b);
	}
}
END_TEST

START_TEST(nothing_at_all_fits)
{
	struct buf b;
	buf_init(&b, 1);
	messages[_i].make(&b);
	ck_assert(buf_failed(&b));
	ck_assert_uint_eq(buf_len(&b), 0);
	buf_fini(&b);
}
END_TEST

/* ---- read back ------------------------------------------------------------------------------ */

static struct frame only_frame(const struct buf *b, enum frame_from from)
{
	struct frame f;
	ck_assert_int_eq(frame_read(buf_slice(b), FRAME_MAX_BODY_BYTES, &f), FRAME_HEAD_BYTES);
	ck_assert(frame_is_whole(&f));
	ck_assert_uint_eq(frame_bytes(&f), buf_len(b));
	ck_assert(frame_is_known(from, f.type));
	return f;
}

START_TEST(an_error_reads_back)
{
	static const struct build_notice notice = {
		.severity = "FATAL",
		.sqlstate = "53300",
		.message = "too many",
		.detail = "of them",
		.hint = "fewer",
		.where = "here",
		.position = "3",
	};
	static const struct {
		char field;
		const char *value;
	} fields[] = { { 'S', "FATAL" },   { 'V', "FATAL" }, { 'C', "53300" }, { 'M', "too many" },
		       { 'D', "of them" }, { 'H', "fewer" }, { 'W', "here" },  { 'P', "3" } };
	struct buf b = { 0 };
	build_error(&b, &notice);
	struct frame f = only_frame(&b, FRAME_FROM_SERVER);
	ck_assert_int_eq(f.type, 'E');
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		ck_assert(slice_eq_str(notice_get(f.body, fields[i].field), fields[i].value));
	ck_assert_int_eq(f.body.ptr[f.body.len - 1], '\0');
	ck_assert(notice_is_fatal(f.body));
	buf_fini(&b);
}
END_TEST

START_TEST(an_error_with_its_routine)
{
	struct buf b = { 0 };
	build_error(&b, &(struct build_notice){ .severity = "ERROR",
						.sqlstate = "0A000",
						.message = "m",
						.routine = NOTICE_STALE_PLAN_ROUTINE });
	struct frame f = only_frame(&b, FRAME_FROM_SERVER);
	ck_assert(notice_is_stale_plan(f.body));
	buf_fini(&b);
}
END_TEST

START_TEST(a_notice_without_what_is_optional)
{
	struct buf b = { 0 };
	build_notice(&b, &(struct build_notice){ "WARNING", "01000", "m", 0, 0, 0, 0, 0 });
	struct frame f = only_frame(&b, FRAME_FROM_SERVER);
	ck_assert_int_eq(f.type, 'N');
	ck_assert(slice_eq(f.body, SLICE("SWARNING\0VWARNING\0C01000\0Mm\0\0")));
	buf_fini(&b);
}
END_TEST

START_TEST(every_type_of_column)
{
	static const struct build_column columns[] = {
		{ "t", BUILD_TEXT }, { "b", BUILD_BOOL },   { "i", BUILD_INT4 },
		{ "l", BUILD_INT8 }, { "f", BUILD_FLOAT8 }, { "n", BUILD_NUMERIC },
	};
	static const struct {
		uint32_t oid;
		uint16_t bytes;
	} want[] = {
		{ 25, 0xffff }, { 16, 1 }, { 23, 4 }, { 20, 8 }, { 701, 8 }, { 1700, 0xffff }
	};
	struct buf b = { 0 };
	struct reader r;

	build_row_description(&b, columns, COUNT_OF(columns));
	reader_init(&r, only_frame(&b, FRAME_FROM_SERVER).body);
	ck_assert_uint_eq(reader_u16(&r), COUNT_OF(columns));
	for (size_t i = 0; i < COUNT_OF(columns); i++) {
		ck_assert(slice_eq_str(reader_cstr(&r), columns[i].name));
		ck_assert_uint_eq(reader_u32(&r), 0);
		ck_assert_uint_eq(reader_u16(&r), 0);
		ck_assert_uint_eq(reader_u32(&r), want[i].oid);
		ck_assert_uint_eq(reader_u16(&r), want[i].bytes);
		ck_assert_uint_eq(reader_u32(&r), 0xffffffffu);
		ck_assert_uint_eq(reader_u16(&r), 0);
	}
	ck_assert(reader_is_done(&r));
	buf_fini(&b);
}
END_TEST

START_TEST(a_startup_packet_reads_back)
{
	static const struct build_param params[] = { { { "user", 4 }, { "ann", 3 } },
						     { { "options", 7 }, { "", 0 } } };
	struct buf b = { 0 };
	struct startup s;
	struct slice value;
	build_startup(&b, STARTUP_VERSION(3, 2), params, 2);
	ck_assert_int_eq(startup_read(buf_slice(&b), &s), (int)buf_len(&b));
	ck_assert_uint_eq(s.minor, 2);
	ck_assert(startup_get(&s, "user", &value) && slice_eq_str(value, "ann"));
	ck_assert(startup_get(&s, "options", &value) && value.len == 0);
	buf_clear(&b);
	build_cancel_request(&b, 99, SLICE("\0\1\2\3"));
	ck_assert_int_eq(startup_read(buf_slice(&b), &s), 16);
	ck_assert_uint_eq(s.cancel_pid, 99);
	ck_assert(slice_eq(s.cancel_key, SLICE("\0\1\2\3")));
	buf_fini(&b);
}
END_TEST

/* ---- what cannot be said -------------------------------------------------------------------- */

/* A zero byte would end the text early, and what is behind it would be read as something else. */
START_TEST(no_zero_bytes_in_texts)
{
	struct buf b = { 0 };
	struct slice evil = SLICE("a\0b");

	build_query(&b, evil);
	ck_assert(buf_failed(&b) && buf_len(&b) == 0);
	buf_clear(&b);
	build_parse(&b, evil, SLICE("x"), NULL, 0);
	ck_assert(buf_failed(&b) && buf_len(&b) == 0);
	buf_clear(&b);
	build_parameter_status(&b, SLICE("x"), evil);
	ck_assert(buf_failed(&b) && buf_len(&b) == 0);
	buf_clear(&b);
	build_startup(&b, STARTUP_VERSION(3, 0), &(struct build_param){ SLICE("user"), evil }, 1);
	ck_assert(buf_failed(&b) && buf_len(&b) == 0);
	buf_fini(&b);
}
END_TEST

START_TEST(more_than_can_be_counted)
{
	static struct slice values[UINT16_MAX + 1];
	static uint32_t oids[UINT16_MAX + 1];
	static struct build_column columns[UINT16_MAX + 1];
	struct buf b = { 0 };

	build_bind(&b, SLICE(""), SLICE(""), values, UINT16_MAX);
	ck_assert(!buf_failed(&b));
	buf_clear(&b);
	build_bind(&b, SLICE(""), SLICE(""), values, UINT16_MAX + 1);
	ck_assert(buf_failed(&b) && buf_len(&b) == 0);
	buf_clear(&b);
	build_parse(&b, SLICE(""), SLICE(""), oids, UINT16_MAX + 1);
	ck_assert(buf_failed(&b) && buf_len(&b) == 0);
	buf_clear(&b);
	build_data_row(&b, values, UINT16_MAX + 1);
	ck_assert(buf_failed(&b) && buf_len(&b) == 0);
	buf_clear(&b);
	columns[0].name = "";
	build_row_description(&b, columns, UINT16_MAX + 1);
	ck_assert(buf_failed(&b) && buf_len(&b) == 0);
	buf_fini(&b);
}
END_TEST

START_TEST(a_value_too_long_to_format)
{
	struct buf b = { 0 };
	size_t at = build_row_begin(&b, 1);
	build_valuef(&b, "%300d", 1);
	build_end(&b, at);
	ck_assert(buf_failed(&b) && buf_len(&b) == 0);
	buf_fini(&b);
}
END_TEST

Suite *suite_build(void)
{
	Suite *s = suite_create("build");
	TCase *tc = tcase_create("build");
	tcase_add_loop_test(tc, bytes, 0, COUNT_OF(messages));
	tcase_add_loop_test(tc, all_or_nothing, 0, COUNT_OF(messages));
	tcase_add_loop_test(tc, nothing_at_all_fits, 0, COUNT_OF(messages));
	tcase_add_test(tc, an_error_reads_back);
	tcase_add_test(tc, an_error_with_its_routine);
	tcase_add_test(tc, a_notice_without_what_is_optional);
	tcase_add_test(tc, every_type_of_column);
	tcase_add_test(tc, a_startup_packet_reads_back);
	tcase_add_test(tc, no_zero_bytes_in_texts);
	tcase_add_test(tc, more_than_can_be_counted);
	tcase_add_test(tc, a_value_too_long_to_format);
	suite_add_tcase(s, tc);
	return s;
}
