/*
 * test_track.c - what a conversation in a file cannot show of the track: its size, its
 * numbers, and that no order of messages breaks it. The rest is in *.talk.
 */
#include <stdlib.h>

#include "check_wire.h"
#include "wire/frame.h"
#include "wire/track.h"

static enum track_reply answer(struct track *t, char type, char status, struct track_news *news)
{
	enum track_reply reply = track_server(t, type, slice_make(&status, 1), news);
	track_check(t);
	return reply;
}

static void send(struct track *t, const char *types)
{
	for (; *types; types++)
		ck_assert_int_eq(track_client(t, *types, false), TRACK_OK);
	track_check(t);
}

START_TEST(starts_idle)
{
	struct track t;
	track_init(&t);
	track_check(&t);
	ck_assert(track_is_idle(&t));
	ck_assert(!track_is_uncertain(&t));
	ck_assert(!track_is_full(&t));
	ck_assert_int_eq(track_tx_status(&t), 'I');
	ck_assert_int_eq(track_in_copy(&t), TRACK_COPY_NONE);
	track_fini(&t);
}
END_TEST

START_TEST(is_full_at_the_cap)
{
	struct track t;
	struct track_news news;
	track_init(&t);
	for (unsigned i = 0; i < TRACK_MAX_ITEMS; i++) {
		ck_assert(!track_is_full(&t));
		if (track_client(&t, 'S', false) != TRACK_OK)
			ck_abort_msg("full at %u", i);
	}
	track_check(&t);
	ck_assert(track_is_full(&t));
	ck_assert_int_eq(track_client(&t, 'S', false), TRACK_FULL);
	ck_assert_int_eq(track_client(&t, 'P', true), TRACK_FULL);
	ck_assert_int_eq(track_client(&t, 'c', false), TRACK_FULL);
	ck_assert_int_eq(track_client(&t, 'H', false), TRACK_OK);
	ck_assert_uint_eq(track_outstanding_syncs(&t), TRACK_MAX_ITEMS);
	for (unsigned i = 0; i < TRACK_MAX_ITEMS; i++) {
		if (track_is_idle(&t))
			ck_abort_msg("idle after %u", i);
		if (track_server(&t, 'Z', SLICE("I"), &news) != TRACK_PASS || news.seq != i)
			ck_abort_msg("answer %u", i);
	}
	ck_assert(track_is_idle(&t));
	ck_assert_ptr_null(t.heap); /* and gave the room back */
	track_fini(&t);
}
END_TEST

START_TEST(grows_and_keeps_order)
{
	static const char sent[] = "PBDECPBDEC", answers[] = "12TC3";
	struct track t;
	struct track_news news;
	track_init(&t);
	t.head = t.tail = UINT32_MAX - 20; /* also where the numbers wrap */
	for (unsigned i = 0; i < 200; i++)
		send(&t, sent);
	send(&t, "S");
	uint32_t seq = UINT32_MAX - 20;
	for (unsigned i = 0; i < 2000; i++, seq++) {
		ck_assert_int_eq(answer(&t, answers[i % 5], 0, &news), TRACK_PASS);
		ck_assert_int_eq(news.item, sent[i % 10]);
		ck_assert_uint_eq(news.seq, seq);
		ck_assert(news.done);
	}
	ck_assert_int_eq(answer(&t, 'Z', 'I', &news), TRACK_PASS);
	ck_assert(track_is_idle(&t));
	track_fini(&t);
}
END_TEST

START_TEST(a_query_allocates_nothing)
{
	struct track t;
	struct track_news news;
	track_init(&t);
	for (int i = 0; i < 100; i++) {
		send(&t, "QPBDES");
		const char *answers = "TDCZ12nCZ";
		for (const char *a = answers; *a; a++)
			ck_assert_int_eq(answer(&t, *a, 'I', &news), TRACK_PASS);
		ck_assert(track_is_idle(&t));
		ck_assert_ptr_null(t.heap);
	}
	track_fini(&t);
}
END_TEST

/* A caller that keeps prepared statements must learn which Parse was skipped. */
START_TEST(numbers_tell_what_was_skipped)
{
	struct track t;
	struct track_news news;
	track_init(&t);
	uint32_t first = track_next_seq(&t);
	send(&t, "PPPSP");
	ck_assert_int_eq(answer(&t, '1', 0, &news), TRACK_PASS);
	ck_assert_uint_eq(news.seq, first);
	ck_assert_uint_eq(track_head_seq(&t), first + 1);
	ck_assert_int_eq(answer(&t, 'E', 0, &news), TRACK_PASS);
	ck_assert_uint_eq(news.seq, first + 1); /* failed */
	ck_assert(news.failed && news.done);
	ck_assert_uint_eq(track_head_seq(&t),
			  first + 3); /* the third was skipped: the Sync is next */
	ck_assert(track_seq_before(first + 2, track_head_seq(&t)));
	ck_assert_int_eq(answer(&t, 'Z', 'I', &news), TRACK_PASS);
	ck_assert_uint_eq(news.seq, first + 3);
	ck_assert_int_eq(answer(&t, '1', 0, &news), TRACK_PASS);
	ck_assert_uint_eq(news.seq, first + 4);
	ck_assert(!track_is_quiet(&t) && track_wants_sync(&t));
	track_fini(&t);
}
END_TEST

/* What is sent next is data until the COPY was ended, be that before it is known to have begun. */
START_TEST(copy_is_fed_until_it_was_ended)
{
	struct track t;
	struct track_news news;
	track_init(&t);
	send(&t, "PBEdS");
	ck_assert(!track_feeds_copy(&t));
	for (const char *a = "12G"; *a; a++)
		ck_assert_int_eq(answer(&t, *a, 0, &news), TRACK_PASS);
	ck_assert(track_feeds_copy(&t));
	send(&t, "dSdS");
	ck_assert(track_feeds_copy(&t));
	send(&t, "c");
	ck_assert(!track_feeds_copy(&t));
	ck_assert_int_eq(answer(&t, 'C', 0, &news), TRACK_PASS);
	send(&t, "BEdScS");
	for (const char *a = "2G"; *a; a++)
		ck_assert_int_eq(answer(&t, *a, 0, &news), TRACK_PASS);
	ck_assert_int_eq(track_in_copy(&t), TRACK_COPY_IN);
	ck_assert(!track_feeds_copy(&t));
	track_fini(&t);
}
END_TEST

/* A COPY, and Syncs amid its data until the queue is full. */
static void fill_copy(struct track *t)
{
	struct track_news news;
	send(t, "Q");
	ck_assert_int_eq(answer(t, 'G', 0, &news), TRACK_PASS);
	send(t, "d");
	while (!track_is_full(t))
		ck_assert_int_eq(track_client(t, 'S', false), TRACK_OK);
}

/* A server that begins one COPY after the other, a client that asks for a Sync in each, in a queue
 * that is full: to see whether it reads takes the same time each time. */
START_TEST(whether_a_copy_reads_is_not_searched_for)
{
	struct track t;
	track_init(&t);
	fill_copy(&t);
	for (int i = 0; i < 1000000; i++)
		if (!track_feeds_copy(&t))
			ck_abort_msg("the %d. time", i);
	track_fini(&t);
}
END_TEST

START_TEST(end_of_a_copy_is_told_for_a_sync_or_a_flush)
{
	struct track t;
	struct track_news news;
	track_init(&t);
	send(&t, "PBEdS");
	ck_assert(!track_wants_flush(&t));
	send(&t, "c");
	ck_assert(track_wants_flush(&t));
	send(&t, "PBE");
	ck_assert(track_wants_flush(&t));
	send(&t, "S");
	ck_assert(!track_wants_flush(&t));
	for (const char *a = "12GC12C"; *a; a++)
		ck_assert_int_eq(answer(&t, *a, 0, &news), TRACK_PASS);
	send(&t, "PBE");
	ck_assert(!track_wants_flush(&t));
	track_fini(&t);
}
END_TEST

START_TEST(numbers_compare_across_the_wrap)
{
	ck_assert(track_seq_before(1, 2));
	ck_assert(!track_seq_before(2, 2));
	ck_assert(!track_seq_before(3, 2));
	ck_assert(track_seq_before(UINT32_MAX, 0));
	ck_assert(!track_seq_before(0, UINT32_MAX));
}
END_TEST

/* Default deny: what the table of messages does not know is a violation, and the other way. */
START_TEST(every_type_byte_of_a_client)
{
	for (int c = 0; c < 256; c++) {
		struct track t;
		track_init(&t);
		bool allowed = frame_is_known(FRAME_FROM_CLIENT, (char)c) && c != 'p';
		enum track_verdict verdict = track_client(&t, (char)c, false);
		ck_assert_msg((verdict == TRACK_OK) == allowed, "0x%02x: %d", c, verdict);
		ck_assert(allowed || verdict == TRACK_VIOLATION);
		track_check(&t);
		track_fini(&t);
	}
}
END_TEST

/* No two bytes of a server's, in no state that two messages of a client can bring about, break
 * the track: what it does not take for impossible leaves it in order. */
static void two_answers(const char *sent, char first, char second)
{
	struct track t;
	struct track_news news;
	track_init(&t);
	for (const char *c = sent; *c; c++)
		if (track_client(&t, *c, false) != TRACK_OK)
			ck_abort_msg("'%c' was not taken", *c);
	if (track_server(&t, first, SLICE("T"), &news) != TRACK_DESYNC &&
	    track_server(&t, second, SLICE("I"), &news) != TRACK_DESYNC)
		track_check(&t);
	track_fini(&t);
}

START_TEST(every_type_byte_of_a_server)
{
	static const char types[] = "PBDECQSFHdcf";
	for (const char *a = types; *a; a++)
		for (const char *b = types; *b; b++)
			for (int c = 0; c < 256 * 256; c++)
				two_answers((char[]){ *a, *b, '\0' }, (char)(c / 256), (char)c);
}
END_TEST

START_TEST(ready_without_a_body)
{
	struct track t;
	struct track_news news;
	track_init(&t);
	send(&t, "S");
	ck_assert_int_eq(track_server(&t, 'Z', SLICE_NONE, &news), TRACK_DESYNC);
	ck_assert(!track_is_quiet(&t));
	track_fini(&t);
}
END_TEST

/* The server's struct is moved, or copied into another list: nothing points into it. */
START_TEST(says_whether_an_end_is_to_come_behind_a_message)
{
	struct track t;
	struct track_news news;
	track_init(&t);
	send(&t, "PSBEQDSPB"); /* seqs from zero */
	for (uint32_t seq = 0; seq <= 6; seq++)
		ck_assert(track_ends_behind(&t, seq));
	for (uint32_t seq = 7; seq <= 9; seq++) /* the batch is open */
		ck_assert(!track_ends_behind(&t, seq));
	ck_assert_int_eq(answer(&t, 'E', 0, &news), TRACK_PASS);
	ck_assert_int_eq(answer(&t, 'Z', 'I', &news), TRACK_PASS);
	ck_assert_int_eq(answer(&t, 'E', 0, &news), TRACK_PASS); /* the Query is skipped */
	ck_assert_uint_eq(track_head_seq(&t), 6);
	ck_assert_int_eq(answer(&t, 'Z', 'I', &news), TRACK_PASS);
	ck_assert(!track_ends_behind(&t, track_head_seq(&t)));
	track_fini(&t);
}
END_TEST

START_TEST(may_be_moved)
{
	struct track a, b;
	struct track_news news;
	track_init(&a);
	send(&a, "PBS");
	b = a;
	memset(&a, 0x55, sizeof(a));
	const char *answers = "12Z";
	for (const char *c = answers; *c; c++)
		ck_assert_int_eq(answer(&b, *c, 'I', &news), TRACK_PASS);
	ck_assert(track_is_idle(&b));
	track_fini(&b);
}
END_TEST

/* As much doubt as a queue can hold is gone through once, not once for each answer: that would not
 * end in check's time limit. */
START_TEST(doubt_is_resolved_in_one_walk)
{
	struct track t;
	struct track_news news;
	track_init(&t);
	for (int round = 0; round < 40; round++) {
		send(&t, "E");
		ck_assert_int_eq(answer(&t, 'G', 0, &news), TRACK_PASS);
		send(&t, "d");
		while (!track_is_full(&t))
			ck_assert_int_eq(track_client(&t, 'S', false), TRACK_OK);
		ck_assert_int_eq(answer(&t, 'E', 0, &news), TRACK_PASS);
		uint32_t doubtful = TRACK_MAX_ITEMS - 1;
		ck_assert_uint_eq(t.doubtful, doubtful);
		while (doubtful--) {
			if (!track_is_uncertain(&t) ||
			    track_server(&t, 'Z', SLICE("I"), &news) != TRACK_PASS)
				ck_abort_msg("%u left", doubtful);
		}
		track_check(&t);
		ck_assert(track_is_idle(&t));
	}
	track_fini(&t);
}
END_TEST

/* A server that begins one COPY after the other in a Query, and ends each with an error. */
START_TEST(doubt_is_not_cast_time_and_again)
{
	struct track t;
	struct track_news news;
	track_init(&t);
	fill_copy(&t);
	for (int i = 0; i < 1000000; i++) {
		if (track_server(&t, 'E', SLICE(""), &news) != TRACK_PASS ||
		    track_server(&t, 'G', SLICE(""), &news) != TRACK_PASS)
			ck_abort_msg("error %d", i);
	}
	track_check(&t);
	ck_assert_uint_eq(t.doubtful, TRACK_MAX_ITEMS - 1);
	ck_assert(!track_is_uncertain(&t));
	ck_assert_int_eq(answer(&t, 'E', 0, &news), TRACK_PASS);
	ck_assert_int_eq(answer(&t, 'Z', 'I', &news), TRACK_PASS);
	ck_assert(track_is_uncertain(&t));
	track_fini(&t);
}
END_TEST

START_TEST(uncertain_only_when_nothing_sure_is_left)
{
	struct track t;
	struct track_news news;
	track_init(&t);
	send(&t, "ES");
	ck_assert_int_eq(answer(&t, 'G', 0, &news), TRACK_PASS);
	send(&t, "dcSQ");
	ck_assert_int_eq(answer(&t, 'E', 0, &news), TRACK_PASS);
	ck_assert(!track_is_uncertain(&t));
	ck_assert_uint_eq(track_outstanding_syncs(&t), 2);
	ck_assert_int_eq(answer(&t, 'Z', 'I', &news), TRACK_PASS);
	ck_assert(!track_is_uncertain(&t)); /* the query will say more */
	ck_assert_int_eq(answer(&t, 'C', 0, &news), TRACK_PASS);
	ck_assert_int_eq(news.item, 'Q');
	ck_assert_int_eq(answer(&t, 'Z', 'I', &news), TRACK_PASS);
	ck_assert(track_is_idle(&t));
	track_fini(&t);
}
END_TEST

Suite *suite_track(void)
{
	Suite *s = suite_create("track");
	TCase *tc = tcase_create("track");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, starts_idle);
	tcase_add_test(tc, is_full_at_the_cap);
	tcase_add_test(tc, grows_and_keeps_order);
	tcase_add_test(tc, a_query_allocates_nothing);
	tcase_add_test(tc, numbers_tell_what_was_skipped);
	tcase_add_test(tc, copy_is_fed_until_it_was_ended);
	tcase_add_test(tc, whether_a_copy_reads_is_not_searched_for);
	tcase_add_test(tc, end_of_a_copy_is_told_for_a_sync_or_a_flush);
	tcase_add_test(tc, numbers_compare_across_the_wrap);
	tcase_add_test(tc, every_type_byte_of_a_client);
	tcase_add_test(tc, every_type_byte_of_a_server);
	tcase_add_test(tc, ready_without_a_body);
	tcase_add_test(tc, says_whether_an_end_is_to_come_behind_a_message);
	tcase_add_test(tc, may_be_moved);
	tcase_add_test(tc, uncertain_only_when_nothing_sure_is_left);
	suite_add_tcase(s, tc);
	tc = tcase_create("doubt");
	tcase_add_test(tc, doubt_is_resolved_in_one_walk);
	tcase_add_test(tc, doubt_is_not_cast_time_and_again);
	suite_add_tcase(s, tc);
	return s;
}
