/*
 * test_journal.c - which batches are told of, with which texts and times.
 */
#include "check_proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mallocs.h"
#include "proxy/client.h"
#include "proxy/journal.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/route.h"
#include "proxy/setup.h"
#include "proxy/worker.h"
#include "tap/record.h"
#include "wire/build.h"

/* A client that is linked, without a socket. */
struct desk {
	struct worker_shared shared;
	struct worker worker;
	struct setup setup;
	struct route route;
	struct localpool pool;
	struct client client;
	struct track track;
	struct paramset_table *table;
	char user[8], database[8];
	struct buf bytes;
	unsigned wakes;
	struct tap_record last; /* its strings are gone */
	char text[512];         /* "kind*times:text|" of each entry; a text that is cut ends in ~ */
	unsigned records;
	unsigned long mallocs; /* that were called for all this */
	usec_t now;
};

static void desk_woken(void *owner)
{
	struct desk *d = owner;
	d->wakes++;
}

static struct desk *desk_open(void)
{
	struct desk *d = calloc(1, sizeof(*d));
	struct conf_faults faults = { 0 };
	d->table = paramset_table_new();
	strcpy(d->user, "u");
	strcpy(d->database, "d");
	d->setup.conf = conf_parse(SLICE("[databases]\nd = host=h\n[pgweir]\nauth_file = f\n"),
				   "test.ini", &faults);
	ck_assert_ptr_nonnull(d->setup.conf);
	conf_faults_fini(&faults);
	d->shared.on_record = desk_woken;
	d->shared.owner = d;
	d->worker.shared = &d->shared;
	d->worker.setup = &d->setup;
	d->worker.tap = ring_new(1 << 20);
	list_init(&d->worker.idle_journals);
	d->route.database = d->database;
	d->pool.route = &d->route;
	d->pool.logs_queries = true;
	d->pool.settings.log_min_duration_statement_us = 0;
	d->client.worker = &d->worker;
	d->client.pool = &d->pool;
	d->client.user = d->user;
	d->client.params = paramset_empty(d->table);
	track_init(&d->track);
	d->now = 1000 * USEC_PER_SEC;
	return d;
}

static void desk_close(struct desk *d)
{
	journal_drop(&d->client);
	journal_free_idle(&d->worker);
	paramset_unref(d->client.params);
	paramset_table_free(d->table);
	ring_free(d->worker.tap);
	conf_unref(d->setup.conf);
	track_fini(&d->track);
	buf_fini(&d->bytes);
	free(d);
}

static void desk_note(void *arg, struct slice entry)
{
	struct desk *d = arg;
	struct tap_text text;
	size_t n = 0;
	ck_assert(record_decode(entry, &d->last));
	struct slice texts = d->last.texts;
	d->text[0] = '\0';
	while (texts_next(&texts, &text) && n < sizeof(d->text))
		n += (size_t)snprintf(d->text + n, sizeof(d->text) - n, "%s*%u:%.*s%s|",
				      texts_kind_name(text.kind), text.times,
				      SLICE_ARGS(slice_head(text.text, 40)), text.cut ? "~" : "");
	d->records++;
}

/* The client sends what is in d->bytes, of which only that much is in hand. */
static void desk_send_in_hand(struct desk *d, size_t in_hand)
{
	struct slice in = buf_slice(&d->bytes);
	struct frame f;
	while (frame_read(in, FRAME_MAX_BODY_BYTES, &f) > 0) {
		uint32_t seq = track_next_seq(&d->track);
		struct frame part = f;
		part.body = slice_head(f.body, in_hand);
		ck_assert_int_eq(track_client(&d->track, f.type, false), TRACK_OK);
		unsigned long before = mallocs_count();
		journal_client(&d->client, &part, seq, d->now);
		d->mallocs += mallocs_count() - before;
		journal_received(&d->client, frame_bytes(&f));
		in = slice_skip(in, frame_bytes(&f));
	}
	buf_clear(&d->bytes);
}

static void desk_send(struct desk *d)
{
	desk_send_in_hand(d, SIZE_MAX);
}

/* The server sends what is in d->bytes. */
static void desk_answer(struct desk *d)
{
	struct slice in = buf_slice(&d->bytes);
	struct frame f;
	size_t bytes = in.len;
	while (frame_read(in, FRAME_MAX_BODY_BYTES, &f) > 0) {
		struct track_news news;
		ck_assert_int_eq(track_server(&d->track, f.type, f.body, &news), TRACK_PASS);
		unsigned long before = mallocs_count();
		if (d->client.journal)
			journal_server(&d->client, &f, &news, d->now);
		d->mallocs += mallocs_count() - before;
		in = slice_skip(in, frame_bytes(&f));
	}
	buf_clear(&d->bytes);
	unsigned long before = mallocs_count();
	if (d->client.journal)
		journal_turn(&d->client, bytes, false,
			     track_head_seq(&d->track) == track_next_seq(&d->track), d->now);
	d->mallocs += mallocs_count() - before;
	ring_drain(d->worker.tap, 100, desk_note, d);
}

static void desk_runs(struct desk *d, const char *portal, const char *statement)
{
	build_bind(&d->bytes, slice_of(portal), slice_of(statement), NULL, 0);
	build_execute(&d->bytes, slice_of(portal), 0);
}

static void desk_bound(struct desk *d, const char *tag)
{
	build_bind_complete(&d->bytes);
	build_command_complete(&d->bytes, tag);
}

START_TEST(test_simple_query)
{
	struct desk *d = desk_open();
	build_query(&d->bytes, SLICE("select 1"));
	desk_send(d);
	d->now += 5;
	build_command_complete(&d->bytes, "SELECT 7");
	desk_answer(d);
	ck_assert_uint_eq(d->records, 0);
	d->now += 5;
	build_ready(&d->bytes, 'I');
	desk_answer(d);
	ck_assert_uint_eq(d->records, 1);
	ck_assert_uint_eq(d->wakes, 1);
	ck_assert_str_eq(d->text, "query*1:select 1|");
	ck_assert_int_eq(d->last.protocol, RECORD_SIMPLE);
	ck_assert_uint_eq(d->last.rows, 7);
	ck_assert_int_eq(d->last.first_byte_us, 5);
	ck_assert_int_eq(d->last.server_us, 10);
	ck_assert_int_eq(d->last.total_us, 10);
	ck_assert_uint_eq(d->last.bytes_in, 14);
	desk_close(d);
}
END_TEST

START_TEST(test_fast_batch_is_not_told)
{
	struct desk *d = desk_open();
	d->pool.settings.log_min_duration_statement_us = 10;
	for (usec_t took = 9; took <= 10; took++) {
		build_query(&d->bytes, SLICE("select 1"));
		desk_send(d);
		d->now += took;
		build_command_complete(&d->bytes, "SELECT 1");
		build_ready(&d->bytes, 'I');
		desk_answer(d);
		ck_assert_uint_eq(d->records, took == 10);
	}
	desk_close(d);
}
END_TEST

START_TEST(test_execute_shows_what_was_parsed)
{
	struct desk *d = desk_open();
	build_parse(&d->bytes, SLICE("s"), SLICE("select a"), NULL, 0);
	build_sync(&d->bytes);
	desk_send(d);
	build_parse_complete(&d->bytes);
	build_ready(&d->bytes, 'I');
	desk_answer(d);
	ck_assert_uint_eq(d->records, 0); /* nothing was run */

	build_parse(&d->bytes, SLICE(""), SLICE("select b"), NULL, 0);
	desk_runs(d, "", "");
	desk_runs(d, "p", "s");
	desk_runs(d, "", "s");
	build_sync(&d->bytes);
	desk_send(d);
	build_parse_complete(&d->bytes);
	for (int i = 0; i < 3; i++)
		desk_bound(d, "SELECT 1");
	build_ready(&d->bytes, 'I');
	desk_answer(d);
	ck_assert_str_eq(d->text, "parse*1:select b|execute*2:select a|");
	ck_assert_uint_eq(d->last.statements, 3);
	ck_assert_uint_eq(d->last.rows, 3);

	/* portals ended with the transaction */
	build_execute(&d->bytes, SLICE("p"), 0);
	build_sync(&d->bytes);
	desk_send(d);
	build_error(&d->bytes, &(struct build_notice){ .severity = "ERROR",
						       .sqlstate = "34000",
						       .message = "no portal" });
	build_ready(&d->bytes, 'I');
	desk_answer(d);
	ck_assert_str_eq(d->text, "execute*1:|");
	ck_assert_str_eq(d->last.sqlstate, "34000");
	desk_close(d);
}
END_TEST

START_TEST(test_close_forgets)
{
	struct desk *d = desk_open();
	build_parse(&d->bytes, SLICE("s"), SLICE("select a"), NULL, 0);
	build_close(&d->bytes, 'S', SLICE("s"));
	desk_runs(d, "", "s");
	build_sync(&d->bytes);
	desk_send(d);
	build_parse_complete(&d->bytes);
	build_close_complete(&d->bytes);
	desk_bound(d, "SELECT 1");
	build_ready(&d->bytes, 'I');
	desk_answer(d);
	ck_assert_str_eq(d->text, "parse*0:select a|execute*1:|");
	desk_close(d);
}
END_TEST

/* Messages as a client might send them that knows no zero bytes; the server refuses them. */
static const struct {
	const char *bytes;
	size_t len;
	const char *shown;
} malformed[] = {
#define BYTES(text) text, sizeof(text) - 1
	{ BYTES("Q\0\0\0\x0aselect"), "query*1:select~|" },
	{ BYTES("Q\0\0\0\x04"), "query*1:~|" },
	{ BYTES("P\0\0\0\x0bs\0selec"), "parse*0:selec~|execute*1:|" },
	{ BYTES("P\0\0\0\x06s\0"), "parse*1:~|" },
	{ BYTES("P\0\0\0\x05s"), "parse*1:~|" },
	{ BYTES("P\0\0\0\x04"), "parse*1:~|" },
	{ BYTES("B\0\0\0\x04"), "execute*1:|" },
	{ BYTES("B\0\0\0\x05p"), "execute*1:|" },
	{ BYTES("B\0\0\0\x07p\0s"), "execute*1:|" },
	{ BYTES("E\0\0\0\x04"), "execute*2:|" },
	{ BYTES("E\0\0\0\x05p"), "execute*2:|" },
	{ BYTES("C\0\0\0\x04"), "execute*1:|" },
	{ BYTES("C\0\0\0\x05S"), "execute*1:|" },
	{ BYTES("C\0\0\0\x06Ss"), "execute*1:|" },
	{ BYTES("F\0\0\0\x04"), "function*1:function 0|" },
	{ BYTES("F\0\0\0\x06\0\1"), "function*1:function 0|" },
#undef BYTES
};

START_TEST(test_malformed_message)
{
	struct desk *d = desk_open();
	char type = malformed[_i].bytes[0];
	buf_add(&d->bytes, malformed[_i].bytes, malformed[_i].len);
	if (type != 'Q' && type != 'F') {
		build_execute(&d->bytes, SLICE("other"), 0);
		build_sync(&d->bytes);
	}
	desk_send(d);
	build_error(&d->bytes, &(struct build_notice){ .severity = "ERROR",
						       .sqlstate = "08P01",
						       .message = "malformed" });
	build_ready(&d->bytes, 'I');
	desk_answer(d);
	ck_assert_uint_eq(d->records, 1);
	ck_assert_str_eq(d->text, malformed[_i].shown);
	desk_close(d);
}
END_TEST

/* A name before the text: its end is not in hand although less than the most that is shown is. */
START_TEST(test_text_behind_a_name_is_cut_where_it_is_not_in_hand)
{
	static char sql[2 * TEXTS_ONE_MAX_BYTES];
	struct desk *d = desk_open();
	memset(sql, 'x', sizeof(sql) - 1);
	for (int i = 0; i < 2; i++) {
		build_parse(&d->bytes, SLICE("some_name"), slice_of(sql), NULL, 0);
		desk_runs(d, "", "some_name");
		desk_runs(d, "", "some_name");
		build_sync(&d->bytes);
		desk_send_in_hand(d, i ? SIZE_MAX : journal_peek_bytes('P'));
		build_parse_complete(&d->bytes);
		desk_bound(d, "SELECT 1");
		desk_bound(d, "SELECT 1");
		build_ready(&d->bytes, 'I');
		desk_answer(d);
		ck_assert_str_eq(d->text, "parse*2:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx~|");
	}
	desk_close(d);
}
END_TEST

/* A Bind whose statement's name is too far away: the portal must not show what it was before. */
START_TEST(test_portal_bound_to_what_is_not_in_hand)
{
	static char name[2000];
	struct desk *d = desk_open();
	memset(name, 'x', sizeof(name) - 1);
	build_parse(&d->bytes, SLICE(""), SLICE("select a"), NULL, 0);
	build_bind(&d->bytes, SLICE("p"), SLICE(""), NULL, 0);
	build_bind(&d->bytes, SLICE("p"), slice_of(name), NULL, 0);
	build_execute(&d->bytes, SLICE("p"), 0);
	build_sync(&d->bytes);
	desk_send_in_hand(d, journal_peek_bytes('B'));
	build_parse_complete(&d->bytes);
	build_bind_complete(&d->bytes);
	desk_bound(d, "SELECT 1");
	build_ready(&d->bytes, 'I');
	desk_answer(d);
	ck_assert_str_eq(d->text, "parse*0:select a|execute*1:|");
	desk_close(d);
}
END_TEST

START_TEST(test_steady_client_asks_for_no_memory)
{
	struct desk *d = desk_open();
	build_parse(&d->bytes, SLICE("s"), SLICE("select a from b where c = $1"), NULL, 0);
	build_sync(&d->bytes);
	desk_send(d);
	build_parse_complete(&d->bytes);
	build_ready(&d->bytes, 'I');
	desk_answer(d);
	for (int i = 0; i < 200; i++) {
		if (i == 2) {
			ck_assert_uint_gt(d->mallocs, 0);
			d->mallocs = 0;
		}
		desk_runs(d, "", "s");
		build_parse(&d->bytes, SLICE(""), SLICE("select 1"), NULL, 0);
		desk_runs(d, "C_1", "");
		build_sync(&d->bytes);
		desk_send(d);
		desk_bound(d, "SELECT 1");
		build_parse_complete(&d->bytes);
		desk_bound(d, "SELECT 1");
		build_ready(&d->bytes, 'I');
		desk_answer(d);
		journal_rest(&d->client);
	}
	ck_assert_uint_eq(d->mallocs, 0);
	ck_assert_uint_eq(d->records, 200);
	desk_close(d);
}
END_TEST

/* More batches under way than the queue holds are told of as one, with all their statements. */
START_TEST(test_more_batches_than_the_queue_holds)
{
	struct desk *d = desk_open();
	for (int i = 0; i < 50; i++)
		build_query(&d->bytes, SLICE("select 1"));
	desk_send(d);
	for (int i = 0; i < 50; i++) {
		build_command_complete(&d->bytes, "SELECT 1");
		build_ready(&d->bytes, 'I');
	}
	desk_answer(d);
	ck_assert_uint_eq(d->records, 16);
	ck_assert_uint_eq(d->last.statements, 35);
	ck_assert_uint_eq(d->last.rows, 35);
	ck_assert_ptr_nonnull(d->client.journal);
	journal_rest(&d->client);
	ck_assert_ptr_null(d->client.journal);
	desk_close(d);
}
END_TEST

START_TEST(test_cut_short)
{
	struct desk *d = desk_open();
	build_query(&d->bytes, SLICE("select 1"));
	build_query(&d->bytes, SLICE("select 2"));
	desk_send(d);
	d->now += 5;
	journal_cut(&d->client, RECORD_SERVER_GONE, "08006", d->now);
	ring_drain(d->worker.tap, 100, desk_note, d);
	ck_assert_uint_eq(d->records, 2);
	ck_assert_str_eq(d->text, "query*1:select 2|");
	ck_assert_str_eq(d->last.sqlstate, "08006");
	ck_assert_uint_eq(d->last.flags, RECORD_SERVER_GONE);
	journal_rest(&d->client);
	ck_assert_ptr_null(d->client.journal);
	desk_close(d);
}
END_TEST

/* The journal of one client is the next one's: nothing of it is seen there. */
START_TEST(test_nothing_is_left_for_the_next_client)
{
	struct desk *d = desk_open();
	build_parse(&d->bytes, SLICE(""), SLICE("select secret"), NULL, 0);
	build_parse(&d->bytes, SLICE("s"), SLICE("select secret"), NULL, 0);
	desk_runs(d, "", "");
	desk_runs(d, "p", "s");
	build_sync(&d->bytes);
	desk_send(d);
	journal_cut(&d->client, RECORD_CLIENT_GONE, NULL, d->now);
	journal_drop(&d->client);
	ck_assert_ptr_null(d->client.journal);
	track_init(&d->track);
	desk_runs(d, "", "");
	desk_runs(d, "", "s");
	build_execute(&d->bytes, SLICE("p"), 0);
	build_sync(&d->bytes);
	desk_send(d);
	for (int i = 0; i < 2; i++)
		desk_bound(d, "SELECT 1");
	build_command_complete(&d->bytes, "SELECT 1");
	build_ready(&d->bytes, 'I');
	desk_answer(d);
	ck_assert_str_eq(d->text, "execute*3:|");
	desk_close(d);
}
END_TEST

Suite *journal_suite(void)
{
	Suite *s = suite_create("journal");
	TCase *t = tcase_create("journal");
	tcase_add_test(t, test_simple_query);
	tcase_add_test(t, test_fast_batch_is_not_told);
	tcase_add_test(t, test_execute_shows_what_was_parsed);
	tcase_add_test(t, test_close_forgets);
	tcase_add_loop_test(t, test_malformed_message, 0, COUNT_OF(malformed));
	tcase_add_test(t, test_text_behind_a_name_is_cut_where_it_is_not_in_hand);
	tcase_add_test(t, test_portal_bound_to_what_is_not_in_hand);
	tcase_add_test(t, test_steady_client_asks_for_no_memory);
	tcase_add_test(t, test_more_batches_than_the_queue_holds);
	tcase_add_test(t, test_cut_short);
	tcase_add_test(t, test_nothing_is_left_for_the_next_client);
	suite_add_tcase(s, t);
	return s;
}
