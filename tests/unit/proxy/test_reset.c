/*
 * test_reset.c - what stands behind a RESET in a Query, and what comes of its answers.
 */
#include "check_proxy.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "proxy/client.h"
#include "proxy/paramset.h"
#include "proxy/reset.h"
#include "proxy/server.h"
#include "wire/build.h"
#include "wire/notice.h"
#include "wire/track.h"

#define AGAIN_TENANT "\n;SET \"my\".\"tenant\" TO E'red'"
#define AGAIN_ZONE "\n;SET \"TimeZone\" TO E'UTC'"
#define AGAIN_MEM "\n;SET \"work_mem\" TO E'9MB'"
#define AGAIN_ALL AGAIN_TENANT AGAIN_ZONE AGAIN_MEM
#define AGAIN_ROLE "\n;SET \"role\" TO E'me'"

/* Who comes with my.tenant, role, TimeZone and work_mem. `sent`: NULL: what was said. `ours`: a
 * letter for each statement that is carried out then, 'o' where it is one of ours. */
static const struct {
	const char *sql, *sent, *ours;
} cases[] = {
	{ "reset work_mem", "reset work_mem" AGAIN_MEM, "co" },
	{ " RESET Work_Mem ; ", " RESET Work_Mem" AGAIN_MEM " ; ", "co" },
	{ "reset work_mem -- so", "reset work_mem" AGAIN_MEM " -- so", "co" },
	{ "reset time zone", "reset time zone" AGAIN_ZONE, "co" },
	{ "reset datestyle", NULL, "c" },
	{ "reset all; select 1", "reset all" AGAIN_ALL "; select 1", "coooc" },
	{ "select 1; reset all; reset my.tenant; select 2",
	  "select 1; reset all" AGAIN_ALL "; reset my.tenant" AGAIN_TENANT "; select 2",
	  "ccooococ" },
	{ "reset role", "reset role" AGAIN_ROLE, "co" },
	{ "reset session authorization", "reset session authorization" AGAIN_ROLE, "co" },
	{ "set session authorization default", "set session authorization default" AGAIN_ROLE,
	  "co" },
	{ "set session authorization me", NULL, "c" },
	/* one for one: beside another one it would be in a transaction */
	{ "set work_mem to default", "SET \"work_mem\" TO E'9MB'", "c" },
	{ "set local work_mem to default", "SET LOCAL \"work_mem\" TO E'9MB'", "c" },
	{ "set session work_mem to default; select 1",
	  "SET \"work_mem\" TO E'9MB'       ; select 1", "cc" },
	{ "set time zone local", "SET \"TimeZone\" TO E'UTC'", "c" },
	{ "set work_mem = '5MB'; set role none", NULL, "cc" },
	/* it stands alone */
	{ "discard all", NULL, "c" },
	/* what may be a reset or not, and what is none */
	{ "select set_config('work_mem', null, false)", NULL, "c" },
	{ "alter role me reset all", NULL, "c" },
	{ "create function f() returns int set work_mem to default as '' language sql", NULL, "c" },
	{ "select 'reset work_mem'; /* ; reset work_mem */ select 2", NULL, "cc" },
	/* as far as it can be read */
	{ "reset work_mem; select 'open", "reset work_mem" AGAIN_MEM "; select 'open", "co" },
};

struct room {
	struct paramset_table *table;
	struct paramset *empty;
	struct client c;
	struct server s;
};

static void room_open(struct room *w)
{
	static const char pairs[] = "my.tenant\0red\0role\0me\0TimeZone\0UTC\0work_mem\0"
				    "9MB";
	memset(w, 0, sizeof(*w));
	w->table = paramset_table_new();
	w->empty = paramset_empty(w->table);
	w->c.came_with = paramset_of_pairs(w->empty, slice_make(pairs, sizeof(pairs)));
	w->c.params = paramset_ref(w->c.came_with);
	w->c.server = &w->s;
	w->s.base = paramset_with(w->empty, SLICE("client_encoding"), SLICE("UTF8"));
	w->s.wire.server_version = 150018;
	track_init(&w->s.track);
}

static void room_close(struct room *w)
{
	reset_free(&w->s);
	track_fini(&w->s.track);
	paramset_unref(w->s.base);
	paramset_unref(w->c.params);
	paramset_unref(w->c.came_with);
	paramset_unref(w->empty);
	paramset_table_free(w->table);
}

static bool ask(struct room *w, const char *sql, struct buf *text)
{
	uint32_t seq = track_next_seq(&w->s.track);
	ck_assert_int_eq(track_client(&w->s.track, 'Q', false), TRACK_OK);
	return reset_query(&w->c, slice_of(sql), seq, true, text);
}

static struct track_news answer(struct room *w, char type, struct slice body)
{
	struct track_news news;
	ck_assert_int_eq(track_server(&w->s.track, type, body, &news), TRACK_PASS);
	return news;
}

static void check_answers(struct room *w, const char *ours)
{
	for (; *ours; ours++) {
		struct track_news news = answer(w, 'C', SLICE("SET"));
		bool is_ours = w->s.reset && reset_is_ours(&w->s, &news);
		ck_assert_msg(is_ours == (*ours == 'o'), "%s", ours);
	}
	answer(w, 'Z', SLICE("I"));
}

START_TEST(test_what_is_sent)
{
	struct room w;
	struct buf text = { 0 };
	room_open(&w);
	bool is_other = ask(&w, cases[_i].sql, &text);
	ck_assert_str_eq(is_other ? buf_cstr(&text) : cases[_i].sql,
			 cases[_i].sent ? cases[_i].sent : cases[_i].sql);
	ck_assert(is_other == (cases[_i].sent != NULL));
	check_answers(&w, cases[_i].ours);
	buf_fini(&text);
	room_close(&w);
}
END_TEST

/* Many at once, and some that have failed or have nothing of ours; what is answered is forgotten.
 */
START_TEST(test_answers_to_many)
{
	struct room w;
	room_open(&w);
	for (unsigned round = 0; round < 50; round++) {
		for (size_t i = 0; i < COUNT_OF(cases); i++) {
			struct buf text = { 0 };
			(void)ask(&w, cases[i].sql, &text);
			buf_fini(&text);
		}
		for (size_t i = 0; i < COUNT_OF(cases); i++) {
			if (i % 3 != round % 3) {
				check_answers(&w, cases[i].ours);
				continue;
			}
			struct track_news news = answer(&w, 'E', SLICE(""));
			ck_assert(!reset_is_ours(&w.s, &news));
			answer(&w, 'Z', SLICE("I"));
		}
	}
	ck_assert_uint_lt(w.s.reset->room, 64);
	room_close(&w);
}
END_TEST

/* Where an error stands in the text that was sent, and in the client's. */
static const struct {
	const char *encoding, *sql, *where;
	unsigned position; /* in the client's; of `where` */
} errors[] = {
	{ "UTF8", "select nonsense; reset work_mem", "nonsense", 8 },
	{ "UTF8", "reset work_mem; nonsense", "nonsense", 17 },
	{ "UTF8", "reset work_mem; reset all; nonsense", "nonsense", 28 },
	{ "UTF8", "select '\xc3\xa9'; reset work_mem; select '\xc3\xa9', nonsense", "nonsense",
	  41 },
	{ "LATIN1", "select '\xe9'; reset work_mem; nonsense", "nonsense", 29 },
	{ "UTF8", "set work_mem to default; nonsense", "nonsense", 26 },
	{ "UTF8", "set my.tenant to default; nonsense", "nonsense", 27 },
	{ "UTF8", "reset work_mem; select 1", "SET", 14 }, /* ours: of what it is for */
};

START_TEST(test_where_an_error_is)
{
	struct room w;
	struct buf text = { 0 }, error = { 0 }, told = { 0 };
	char position[16];
	room_open(&w);
	paramset_replace(&w.c.params, paramset_with(w.c.params, SLICE("client_encoding"),
						    slice_of(errors[_i].encoding)));
	ck_assert(ask(&w, errors[_i].sql, &text));
	const char *sent = buf_cstr(&text), *at = strstr(sent, errors[_i].where);
	size_t letters = 1;
	for (const char *p = sent; p < at; p++)
		letters += *errors[_i].encoding != 'U' || ((uint8_t)*p & 0xc0) != 0x80;
	snprintf(position, sizeof(position), "%zu", letters);
	build_error(&error, &(struct build_notice){ .severity = "ERROR",
						    .sqlstate = "42601",
						    .message = "no",
						    .position = position });
	struct slice body = slice_skip(buf_slice(&error), 5);
	struct track_news news = answer(&w, 'E', body);
	if (reset_moves_notice(&w.s, 'E', &news, body, &told))
		body = slice_skip(buf_slice(&told), 5);
	snprintf(position, sizeof(position), "%u", errors[_i].position);
	ck_assert(slice_eq_str(notice_get(body, NOTICE_POSITION), position));
	ck_assert(slice_eq_str(notice_get(body, NOTICE_MESSAGE), "no"));
	buf_fini(&text);
	buf_fini(&error);
	buf_fini(&told);
	room_close(&w);
}
END_TEST

Suite *reset_suite(void)
{
	Suite *suite = suite_create("reset");
	TCase *tc = tcase_create("reset");
	tcase_add_loop_test(tc, test_what_is_sent, 0, COUNT_OF(cases));
	tcase_add_test(tc, test_answers_to_many);
	tcase_add_loop_test(tc, test_where_an_error_is, 0, COUNT_OF(errors));
	suite_add_tcase(suite, tc);
	return suite;
}
