/*
 * test_prepared.c - statements shared, named by clients, and kept by servers: stmtpool, prepared,
 * stmtlru.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql/prepared.h"
#include "sql/stmtlru.h"
#include "suites.h"

static struct stmt *take(struct stmtpool *pool, const char *text)
{
	return stmtpool_take(pool, slice_of(text), SLICE("\0\0"), SLICE("public"));
}

START_TEST(test_same_statement_is_kept_once)
{
	struct stmtpool *pool = stmtpool_new(1 << 20);
	struct stmt *a = take(pool, "select 1");
	size_t bytes = stmtpool_bytes(pool);
	ck_assert_ptr_eq(take(pool, "select 1"), a);
	ck_assert_uint_eq(stmtpool_bytes(pool), bytes);
	ck_assert(slice_eq_str(a->text, "select 1"));
	ck_assert(slice_eq_str(a->depends, "public"));
	ck_assert_uint_eq(a->types.len, 2);
	struct stmt *others[] = {
		take(pool, "select 2"),
		stmtpool_take(pool, SLICE("select 1"), SLICE("\0\1\0\0\0\x17"), SLICE("public")),
		stmtpool_take(pool, SLICE("select 1"), SLICE("\0\0"), SLICE("other")),
		stmtpool_take(pool, SLICE("select 1\0\0"), SLICE(""), SLICE("public")),
	};
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		ck_assert_ptr_nonnull(others[i]);
		ck_assert_ptr_ne(others[i], a);
		ck_assert_uint_ne(others[i]->id, a->id);
		stmtpool_give(pool, others[i]);
	}
	stmtpool_give(pool, a);
	ck_assert_uint_eq(stmtpool_count(pool), 1);
	stmtpool_give(pool, a);
	ck_assert_uint_eq(stmtpool_count(pool), 0);
	ck_assert_uint_eq(stmtpool_bytes(pool), 0);
	stmtpool_free(pool);
	stmtpool_free(NULL);
}
END_TEST

START_TEST(test_ids_and_names_are_never_used_twice)
{
	struct stmtpool *pool = stmtpool_new(1 << 20);
	char first[STMTPOOL_NAME_BYTES], second[STMTPOOL_NAME_BYTES];
	struct stmt *a = take(pool, "select 1");
	ck_assert_uint_eq(stmtpool_name(a, first), strlen(first));
	stmtpool_give(pool, a);
	a = take(pool, "select 1");
	stmtpool_name(a, second);
	ck_assert_str_ne(first, second);
	stmtpool_give(pool, a);
	stmtpool_free(pool);
}
END_TEST

START_TEST(test_pool_is_bounded)
{
	struct stmtpool *pool = stmtpool_new(1000);
	struct stmt *held[64];
	char text[64];
	size_t n = 0;
	for (;;) {
		snprintf(text, sizeof(text), "select %zu", n);
		held[n] = take(pool, text);
		if (!held[n])
			break;
		ck_assert_uint_lt(++n, COUNT_OF(held));
	}
	ck_assert_uint_gt(n, 1);
	ck_assert_uint_le(stmtpool_bytes(pool), 1000);
	/* one that is there fits */
	ck_assert_ptr_eq(take(pool, "select 0"), held[0]);
	stmtpool_give(pool, held[0]);
	while (n > 0)
		stmtpool_give(pool, held[--n]);
	stmtpool_free(pool);
}
END_TEST

START_TEST(test_pool_grows)
{
	enum { MANY = 1000 };
	struct stmtpool *pool = stmtpool_new(1 << 20);
	struct stmt *held[MANY];
	char text[64];
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			snprintf(text, sizeof(text), "select %d", i);
			struct stmt *s = take(pool, text);
			ck_assert(round == 0 || s == held[i]);
			held[i] = s;
		}
	}
	for (int i = 0; i < MANY; i++) {
		stmtpool_give(pool, held[i]);
		stmtpool_give(pool, held[i]);
	}
	stmtpool_free(pool);
}
END_TEST

START_TEST(test_names_of_a_client)
{
	struct stmtpool *pool = stmtpool_new(1 << 20);
	struct prepared p;
	prepared_init(&p, pool, 2);
	struct stmt *a = take(pool, "select 1");
	ck_assert_int_eq(prepared_put(&p, SLICE("a"), a), PREPARED_PUT);
	ck_assert_int_eq(prepared_put(&p, SLICE("a"), a), PREPARED_EXISTS);
	ck_assert_int_eq(prepared_put(&p, SLICE("b"), stmtpool_ref(a)), PREPARED_PUT);
	ck_assert_int_eq(prepared_put(&p, SLICE("c"), a), PREPARED_FULL);
	ck_assert_int_eq(prepared_put(&p, SLICE(""), stmtpool_ref(a)), PREPARED_PUT);
	ck_assert_int_eq(prepared_put(&p, SLICE(""), take(pool, "select 2")), PREPARED_PUT);
	ck_assert_ptr_eq(prepared_get(&p, SLICE("a")), a);
	ck_assert_ptr_eq(prepared_get(&p, SLICE("b")), a);
	ck_assert_ptr_null(prepared_get(&p, SLICE("c")));
	ck_assert(slice_eq_str(prepared_get(&p, SLICE(""))->text, "select 2"));
	ck_assert(prepared_drop(&p, SLICE("a")));
	ck_assert(!prepared_drop(&p, SLICE("a")));
	ck_assert_uint_eq(prepared_count(&p), 1);
	prepared_drop_named(&p);
	ck_assert_ptr_null(prepared_get(&p, SLICE("b")));
	ck_assert_ptr_nonnull(prepared_get(&p, SLICE("")));
	ck_assert(prepared_drop(&p, SLICE("")));
	ck_assert(!prepared_drop(&p, SLICE("")));
	ck_assert_uint_eq(stmtpool_count(pool), 0);
	prepared_fini(&p);
	stmtpool_free(pool);
}
END_TEST

START_TEST(test_server_forgets_the_least_used)
{
	struct stmtpool *pool = stmtpool_new(1 << 20);
	struct stmtlru lru;
	stmtlru_init(&lru, pool, 2);
	struct stmt *a = take(pool, "a"), *b = take(pool, "b"), *c = take(pool, "c");
	stmtlru_add(&lru, a, false);
	stmtlru_add(&lru, b, false);
	ck_assert_ptr_null(stmtlru_evict(&lru));
	ck_assert(stmtlru_use(&lru, a, true));
	stmtlru_add(&lru, c, false);
	struct stmt *out = stmtlru_evict(&lru);
	ck_assert_ptr_eq(out, b);
	stmtpool_give(pool, out);
	ck_assert(!stmtlru_use(&lru, b, false));
	/* a is busy, c is not, though it was used later */
	ck_assert(stmtlru_use(&lru, c, false));
	stmtlru_add(&lru, b, true);
	out = stmtlru_evict(&lru);
	ck_assert_ptr_eq(out, c);
	stmtpool_give(pool, out);
	stmtlru_add(&lru, c, true);
	ck_assert_ptr_null(stmtlru_evict(&lru));
	stmtlru_done(&lru, a);
	out = stmtlru_evict(&lru);
	ck_assert_ptr_eq(out, a);
	stmtpool_give(pool, out);
	stmtlru_done(&lru, a);
	ck_assert(stmtlru_drop(&lru, b));
	ck_assert(!stmtlru_drop(&lru, b));
	ck_assert_uint_eq(stmtlru_count(&lru), 1);
	stmtpool_give(pool, a);
	stmtpool_give(pool, b);
	stmtpool_give(pool, c);
	ck_assert_uint_eq(stmtpool_count(pool), 1);
	stmtlru_fini(&lru);
	ck_assert_uint_eq(stmtpool_count(pool), 0);
	stmtpool_free(pool);
}
END_TEST

/* ---- random, against arrays ---- */

enum { CLIENTS = 4, SERVERS = 3, NAMES = 6, TEXTS = 12, LIMIT = 4, STEPS = 100000 };

struct world {
	unsigned random;
	struct stmtpool *pool;
	struct prepared clients[CLIENTS];
	struct stmtlru servers[SERVERS];
	int text_of[CLIENTS][NAMES];        /* -1: the client has no such name; the first is "" */
	unsigned long used[SERVERS][TEXTS]; /* when; 0: the server does not have it */
	int busy[SERVERS][TEXTS];
	unsigned long now;
};

static int pick(struct world *w, int below)
{
	w->random = w->random * 1103515245 + 12345;
	return (int)(w->random >> 16) % below;
}

static const char *const names[NAMES] = { "", "a", "b", "c", "d", "e" };
static const char *const texts[TEXTS] = { "1", "2", "3", "4",  "5",  "6",
					  "7", "8", "9", "10", "11", "12" };

static void step_client(struct world *w)
{
	int c = pick(w, CLIENTS), n = pick(w, NAMES), t = pick(w, TEXTS);
	struct slice name = slice_of(names[n]);
	int *text = &w->text_of[c][n];
	switch (pick(w, 20)) {
	case 0:
		prepared_drop_named(&w->clients[c]);
		for (int i = 1; i < NAMES; i++)
			w->text_of[c][i] = -1;
		return;
	case 1:
		prepared_drop_unnamed(&w->clients[c]);
		w->text_of[c][0] = -1;
		return;
	case 2:
	case 3:
		ck_assert_int_eq(prepared_drop(&w->clients[c], name), *text >= 0);
		*text = -1;
		return;
	}
	struct stmt *s = take(w->pool, texts[t]);
	enum prepared_put put = prepared_put(&w->clients[c], name, s);
	if (put != PREPARED_PUT)
		stmtpool_give(w->pool, s);
	ck_assert_int_eq(put == PREPARED_EXISTS, n > 0 && *text >= 0);
	if (put == PREPARED_PUT)
		*text = t;
}

/* The one to go: not busy, and used longest ago; -1: none. */
static int oldest(const struct world *w, int server)
{
	int found = -1, count = 0;
	for (int t = 0; t < TEXTS; t++) {
		unsigned long used = w->used[server][t];
		count += used > 0;
		if (used > 0 && w->busy[server][t] == 0 &&
		    (found < 0 || used < w->used[server][found]))
			found = t;
	}
	return count > LIMIT ? found : -1;
}

static void use(struct world *w, int server, int t, struct stmt *s)
{
	struct stmtlru *lru = &w->servers[server];
	bool busy = pick(w, 3) == 0;
	bool had = stmtlru_use(lru, s, busy);
	ck_assert_int_eq(had, w->used[server][t] > 0);
	if (!had)
		stmtlru_add(lru, s, busy);
	w->used[server][t] = ++w->now;
	w->busy[server][t] += busy;
	int out = oldest(w, server);
	struct stmt *evicted = stmtlru_evict(lru);
	ck_assert_int_eq(evicted != NULL, out >= 0);
	if (!evicted)
		return;
	ck_assert(slice_eq_str(evicted->text, texts[out]));
	w->used[server][out] = 0;
	stmtpool_give(w->pool, evicted);
}

static void step_server(struct world *w)
{
	int server = pick(w, SERVERS), t = pick(w, TEXTS);
	struct stmtlru *lru = &w->servers[server];
	struct stmt *s = take(w->pool, texts[t]);
	int *busy = &w->busy[server][t];
	if (pick(w, 200) == 0) {
		stmtlru_clear(lru);
		memset(w->used[server], 0, sizeof(w->used[server]));
		memset(w->busy[server], 0, sizeof(w->busy[server]));
	} else if (*busy > 0 && pick(w, 2) == 0) {
		stmtlru_done(lru, s);
		--*busy;
	} else if (pick(w, 20) == 0) {
		ck_assert_int_eq(stmtlru_drop(lru, s), w->used[server][t] > 0);
		w->used[server][t] = 0;
		*busy = 0;
	} else {
		use(w, server, t, s);
	}
	stmtpool_give(w->pool, s);
}

static void check_world(const struct world *w)
{
	bool held[TEXTS] = { false };
	size_t distinct = 0;
	for (int c = 0; c < CLIENTS; c++) {
		for (int n = 0; n < NAMES; n++) {
			struct stmt *s = prepared_get(&w->clients[c], slice_of(names[n]));
			int t = w->text_of[c][n];
			ck_assert_int_eq(s != NULL, t >= 0);
			ck_assert(t < 0 || slice_eq_str(s->text, texts[t]));
			if (t >= 0)
				held[t] = true;
		}
	}
	for (int i = 0; i < SERVERS; i++)
		for (int t = 0; t < TEXTS; t++)
			held[t] |= w->used[i][t] > 0;
	for (int t = 0; t < TEXTS; t++)
		distinct += held[t];
	ck_assert_uint_eq(stmtpool_count(w->pool), distinct);
}

START_TEST(test_random)
{
	static struct world w;
	const char *seed = getenv("PREPARED_SEED");
	w = (struct world){ .random = seed ? (unsigned)atol(seed) : 1 };
	printf("prepared: seed %u\n", w.random);
	w.pool = stmtpool_new(1 << 20);
	for (int c = 0; c < CLIENTS; c++) {
		prepared_init(&w.clients[c], w.pool, 0);
		for (int n = 0; n < NAMES; n++)
			w.text_of[c][n] = -1;
	}
	for (int i = 0; i < SERVERS; i++)
		stmtlru_init(&w.servers[i], w.pool, LIMIT);
	for (int i = 0; i < STEPS; i++) {
		if (pick(&w, 2))
			step_client(&w);
		else
			step_server(&w);
		check_world(&w);
	}
	for (int c = 0; c < CLIENTS; c++)
		prepared_fini(&w.clients[c]);
	for (int i = 0; i < SERVERS; i++)
		stmtlru_fini(&w.servers[i]);
	stmtpool_free(w.pool);
}
END_TEST

Suite *prepared_suite(void)
{
	Suite *suite = suite_create("prepared");
	TCase *tc = tcase_create("prepared");
	tcase_add_test(tc, test_same_statement_is_kept_once);
	tcase_add_test(tc, test_ids_and_names_are_never_used_twice);
	tcase_add_test(tc, test_pool_is_bounded);
	tcase_add_test(tc, test_pool_grows);
	tcase_add_test(tc, test_names_of_a_client);
	tcase_add_test(tc, test_server_forgets_the_least_used);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_random);
	suite_add_tcase(suite, tc);
	return suite;
}
