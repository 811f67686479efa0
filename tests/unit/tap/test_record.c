/*
 * test_record.c - a record into the ring and out again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "suites.h"
#include "tap/record.h"

#define RING_BYTES 65536

static struct tap_record full_record(struct tap_texts *texts)
{
	texts_add(texts, TEXTS_PARSE, SLICE("select $1"));
	texts_add(texts, TEXTS_EXECUTE, SLICE("select $1"));
	return (struct tap_record){
		.started_wall_us = 1700000000000000,
		.wait_us = 1,
		.first_byte_us = 2,
		.server_us = 3,
		.drain_us = 4,
		.total_us = 5,
		.xact_age_us = 6,
		.rows = UINT64_MAX,
		.bytes_in = 8,
		.bytes_out = 9,
		.statements = 10,
		.errors = 11,
		.flags = RECORD_COPY_IN | RECORD_SERVER_GONE,
		.protocol = RECORD_EXTENDED,
		.server_pid = 12,
		.sqlstate = "57014",
		.policy = { .show_values = true, .encoding = 2, .text_max_bytes = 100 },
		.database = SLICE("shop"),
		.user = SLICE("app"),
		.client = SLICE("10.0.0.7:5123"),
		.application_name = SLICE(""),
		.texts = texts_slice(texts),
	};
}

static void compare(void *arg, struct slice entry)
{
	const struct tap_record *want = arg;
	struct tap_record got;
	ck_assert(record_decode(entry, &got));
	ck_assert_int_eq(got.started_wall_us, want->started_wall_us);
	ck_assert_int_eq(got.wait_us, want->wait_us);
	ck_assert_int_eq(got.first_byte_us, want->first_byte_us);
	ck_assert_int_eq(got.server_us, want->server_us);
	ck_assert_int_eq(got.drain_us, want->drain_us);
	ck_assert_int_eq(got.total_us, want->total_us);
	ck_assert_int_eq(got.xact_age_us, want->xact_age_us);
	ck_assert_uint_eq(got.rows, want->rows);
	ck_assert_uint_eq(got.bytes_in, want->bytes_in);
	ck_assert_uint_eq(got.bytes_out, want->bytes_out);
	ck_assert_uint_eq(got.statements, want->statements);
	ck_assert_uint_eq(got.errors, want->errors);
	ck_assert_uint_eq(got.flags, want->flags);
	ck_assert_int_eq(got.protocol, want->protocol);
	ck_assert_int_eq(got.server_pid, want->server_pid);
	ck_assert_str_eq(got.sqlstate, want->sqlstate);
	ck_assert(got.policy.show_values && !got.policy.backslashes);
	ck_assert_uint_eq(got.policy.encoding, want->policy.encoding);
	ck_assert_uint_eq(got.policy.text_max_bytes, want->policy.text_max_bytes);
	ck_assert(slice_eq(got.database, want->database));
	ck_assert(slice_eq(got.user, want->user));
	ck_assert(slice_eq(got.client, want->client));
	ck_assert(slice_eq(got.application_name, want->application_name));
	ck_assert(slice_eq(got.texts, want->texts));
	ck_assert_ptr_ne(got.database.ptr, want->database.ptr);
}

START_TEST(test_what_goes_in_comes_out)
{
	struct tap_ring *ring = ring_new(RING_BYTES);
	struct tap_texts texts = { 0 };
	struct tap_record record = full_record(&texts);
	for (int i = 0; i < 300; i++) { /* several times round the ring */
		ck_assert_int_eq(record_push(ring, &record), RING_PUSHED_FIRST);
		ck_assert_uint_eq(ring_drain(ring, 10, compare, &record), 1);
	}
	texts_release(&texts);
	ring_free(ring);
}
END_TEST

static void assert_cut_names(void *arg, struct slice entry)
{
	struct tap_record got;
	(void)arg;
	ck_assert(record_decode(entry, &got));
	ck_assert_uint_eq(got.database.len, RECORD_NAME_MAX_BYTES);
	ck_assert_uint_eq(got.user.len, 1);
	ck_assert_uint_eq(got.application_name.len, RECORD_NAME_MAX_BYTES);
	ck_assert_uint_eq(got.texts.len, 0);
	ck_assert_uint_eq(strlen(got.sqlstate), 5);
}

START_TEST(test_long_names_are_cut)
{
	struct tap_ring *ring = ring_new(RING_BYTES);
	char name[1000];
	memset(name, 'n', sizeof(name));
	struct tap_record record = { .database = slice_make(name, sizeof(name)),
				     .user = SLICE("u"),
				     .application_name =
					     slice_make(name, RECORD_NAME_MAX_BYTES + 1) };
	memset(record.sqlstate, '9', sizeof(record.sqlstate)); /* no zero at its end */
	ck_assert_int_eq(record_push(ring, &record), RING_PUSHED_FIRST);
	ck_assert_uint_eq(ring_drain(ring, 10, assert_cut_names, NULL), 1);
	ring_free(ring);
}
END_TEST

START_TEST(test_full_ring_drops)
{
	struct tap_ring *ring = ring_new(256);
	struct tap_texts texts = { 0 };
	struct tap_record record = full_record(&texts);
	ck_assert_int_eq(record_push(ring, &record), RING_DROPPED);
	ck_assert_uint_eq(ring_dropped(ring), 1);
	texts_release(&texts);
	ring_free(ring);
}
END_TEST

static void assert_no_prefix(void *arg, struct slice entry)
{
	struct tap_record got;
	(void)arg;
	for (size_t n = 0; n < entry.len; n++) {
		char *copy = slice_dup(slice_head(entry, n));
		ck_assert(!record_decode(slice_make(copy, n), &got));
		free(copy);
	}
	char *longer = mem_zalloc(entry.len + 1);
	memcpy(longer, entry.ptr, entry.len);
	ck_assert(!record_decode(slice_make(longer, entry.len + 1), &got));
	free(longer);
}

START_TEST(test_bytes_that_are_no_record)
{
	struct tap_ring *ring = ring_new(RING_BYTES);
	struct tap_texts texts = { 0 };
	struct tap_record record = full_record(&texts);
	ck_assert_int_eq(record_push(ring, &record), RING_PUSHED_FIRST);
	ck_assert_uint_eq(ring_drain(ring, 10, assert_no_prefix, NULL), 1);
	texts_release(&texts);
	ring_free(ring);
}
END_TEST

START_TEST(test_words)
{
	for (enum record_flag_bit bit = 0; bit < RECORD_FLAG_COUNT; bit++)
		ck_assert_uint_gt(strlen(record_flag_word(bit)), 0);
	ck_assert_str_eq(record_flag_word(RECORD_BIT_TIMED_OUT), "timed_out");
	ck_assert_int_eq(RECORD_TIMED_OUT, 1 << RECORD_BIT_TIMED_OUT);
	ck_assert_str_eq(record_protocol_name(RECORD_SIMPLE), "simple");
	ck_assert_str_eq(record_protocol_name(RECORD_EXTENDED), "extended");
	ck_assert_str_eq(record_protocol_name(RECORD_FUNCTION), "function");
}
END_TEST

Suite *record_suite(void)
{
	Suite *suite = suite_create("record");
	TCase *tc = tcase_create("record");
	tcase_add_test(tc, test_what_goes_in_comes_out);
	tcase_add_test(tc, test_long_names_are_cut);
	tcase_add_test(tc, test_full_ring_drops);
	tcase_add_test(tc, test_bytes_that_are_no_record);
	tcase_add_test(tc, test_words);
	suite_add_tcase(suite, tc);
	return suite;
}
