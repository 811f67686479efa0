/*
 * test_hidden.c - what is known of names that hide code, and when it is to be asked anew.
 */
#include <stdio.h>

#include "check_proxy.h"
#include "proxy/hidden.h"
#include "proxy/registry.h"

#define NOW ((usec_t)1000000)

static const struct lexer_mode usual = { 0 };

static struct registry *registry;

static void set_up(void)
{
	registry = registry_new(1);
}

static void tear_down(void)
{
	registry_free(registry);
}

/* A pool that leads to the database of that name. */
static void lead_to(struct hidden *h, const char *database)
{
	hidden_init(h, registry_site(registry, slice_of(database)));
}

static void go(struct hidden *h)
{
	hidden_fini(h);
	registry_release_site(registry, h->site);
}

/* What another pool knows is known. */
static bool is_due(struct hidden *h, usec_t now)
{
	struct hidden_lore *lore = site_lore(h->site, h->seen);
	if (lore)
		(void)hidden_take(h, lore);
	hidden_lore_unref(lore);
	return hidden_is_due(h, now);
}

static struct hidden_lore *ask(struct hidden *h)
{
	struct hidden_lore *lore = hidden_lore_new(h->site);
	lore->asked = hidden_ask(h->site);
	return lore;
}

/* The server has said that so many names hide code, "n0" and so on. */
static void answer(struct hidden *h, struct hidden_lore *lore, unsigned count, usec_t now)
{
	char name[32];
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		hidden_lore_add(lore, slice_of(name));
	}
	lore->heard = lore->asked;
	lore->learn_at = now + HIDDEN_LEARN_US;
	site_publish(h->site, lore);
	hidden_lore_unref(lore);
	(void)is_due(h, now);
}

static void learn(struct hidden *h, unsigned count, usec_t now)
{
	answer(h, ask(h), count, now);
}

START_TEST(test_who_answers_slowly_is_asked_more_seldom)
{
	usec_t slow = HIDDEN_LEARN_US / HIDDEN_SHARE + USEC_PER_SEC;
	ck_assert_int_eq(hidden_next(NOW, NOW + 5000), NOW + 5000 + HIDDEN_LEARN_US);
	ck_assert_int_eq(hidden_next(NOW, NOW + slow), NOW + slow + slow * HIDDEN_SHARE);
}
END_TEST

START_TEST(test_asked_first_and_now_and_then)
{
	struct hidden h;
	lead_to(&h, "a");
	ck_assert(is_due(&h, NOW) && !hidden_is_void(&h));
	learn(&h, 0, NOW);
	ck_assert(hidden_is_void(&h));
	ck_assert(!is_due(&h, NOW + HIDDEN_LEARN_US - 1));
	ck_assert(is_due(&h, NOW + HIDDEN_LEARN_US));
	ck_assert(hidden_is_void(&h));
	go(&h);
}
END_TEST

START_TEST(test_one_asks_at_a_time)
{
	struct site *site = registry_site(registry, SLICE("a"));
	ck_assert(!site_is_asked(site, NOW));
	site_ask(site, NOW);
	ck_assert(site_is_asked(site, NOW + SITE_ANSWER_US - 1));
	ck_assert(!site_is_asked(site, NOW + SITE_ANSWER_US)); /* it may be stuck */
	site_ask(site, NOW + SITE_ANSWER_US);
	site_answered(site, NOW); /* the first, late */
	ck_assert(site_is_asked(site, NOW + SITE_ANSWER_US));
	site_answered(site, NOW + SITE_ANSWER_US);
	ck_assert(!site_is_asked(site, NOW + SITE_ANSWER_US));
	registry_release_site(registry, site);
}
END_TEST

START_TEST(test_one_learns_for_all_that_lead_there)
{
	struct hidden one, other, elsewhere;
	lead_to(&one, "a");
	lead_to(&other, "a");
	lead_to(&elsewhere, "b");
	learn(&one, 1, NOW);
	ck_assert(!is_due(&other, NOW) && is_due(&elsewhere, NOW));
	ck_assert(hidden_is_in(&other, SLICE("select * from n0"), usual));
	ck_assert(!hidden_is_in(&other, SLICE("select * from n1"), usual));
	ck_assert_uint_eq(one.version, other.version);
	site_begin(other.site);
	site_end(other.site);
	ck_assert(hidden_is_stale(&one) && is_due(&one, NOW) && is_due(&other, NOW));
	struct hidden_lore *late = ask(&one);
	site_begin(other.site);
	site_end(other.site);
	learn(&other, 2, NOW);
	answer(&one, late, 1, NOW); /* knows less */
	ck_assert(!is_due(&one, NOW) && !is_due(&other, NOW));
	ck_assert(hidden_is_in(&one, SLICE("select * from n1"), usual));
	go(&one);
	go(&other);
	go(&elsewhere);
}
END_TEST

/* A pool that had learnt `before` hears `now`: was it wrong? */
static bool was_wrong(struct hidden_lore *before, struct hidden_lore *now)
{
	struct hidden h;
	lead_to(&h, "a");
	before->heard = now->heard = site_news(h.site);
	ck_assert(!hidden_take(&h, before));
	bool was = hidden_take(&h, now);
	hidden_lore_unref(now);
	go(&h);
	return was;
}

/* One name, and catalogs as they are. */
static struct hidden_lore *lore_of(struct site *site, const char *name, const char *code,
				   const char *uses)
{
	struct hidden_lore *lore = hidden_lore_new(site);
	hidden_lore_add(lore, slice_of(name));
	snprintf(lore->code, sizeof(lore->code), "%s", code);
	snprintf(lore->uses, sizeof(lore->uses), "%s", uses);
	return lore;
}

START_TEST(test_what_catalogs_say)
{
	struct site *site = registry_site(registry, SLICE("a"));
	struct hidden_lore *lore = lore_of(site, "t", "1 2", "3 4");
	struct hidden_lore *same = lore_of(site, "t", "1 2", "3 4");
	struct hidden_lore *temp = lore_of(site, "t", "1 2", "5 6");
	struct hidden_lore *code = lore_of(site, "t", "2 2", "3 4");
	struct hidden_lore *name = lore_of(site, "u", "1 2", "5 6");
	ck_assert(hidden_lore_has_catalogs(lore, same));
	ck_assert(!hidden_lore_has_catalogs(lore, temp));
	ck_assert(!hidden_lore_has_catalogs(lore, code));
	/* temporary tables come and go: functions are what they were */
	ck_assert(!was_wrong(lore, temp));
	ck_assert(was_wrong(lore, code));
	ck_assert(was_wrong(lore, name));
	hidden_lore_unref(lore);
	hidden_lore_unref(same);
	registry_release_site(registry, site);
}
END_TEST

START_TEST(test_one_asks_how_the_catalogs_are)
{
	usec_t slow = USEC_PER_SEC;
	struct site *site = registry_site(registry, SLICE("a"));
	ck_assert(site_peek(site, NOW));
	ck_assert(!site_peek(site, NOW) && !site_peek(site, NOW + SITE_ANSWER_US - 1));
	ck_assert(site_peek(site, NOW + SITE_ANSWER_US)); /* the first is stuck */
	ck_assert_int_eq(hidden_peek_next(NOW, NOW + 5000), NOW + 5000 + HIDDEN_PEEK_US);
	ck_assert_int_eq(hidden_peek_next(NOW, NOW + slow), NOW + slow + slow * HIDDEN_PEEK_SHARE);
	ck_assert(site_changed(site, NOW, 100));
	ck_assert(!site_changed(site, NOW + 99, 100) && site_changed(site, NOW + 99, 50));
	registry_release_site(registry, site);
}
END_TEST

START_TEST(test_who_hears_that_it_was_wrong_is_told_so)
{
	struct hidden one, other;
	lead_to(&one, "a");
	lead_to(&other, "a");
	learn(&one, 0, NOW);
	learn(&other, 0, NOW);
	struct hidden_lore *lore = site_lore(one.site, one.version);
	ck_assert(!hidden_take(&one, lore)); /* it is as old as it should be */
	hidden_lore_unref(lore);
	site_begin(one.site);
	site_end(one.site);
	learn(&other, 0, NOW);
	lore = site_lore(one.site, one.version);
	ck_assert(hidden_take(&one, lore));
	hidden_lore_unref(lore);
	ck_assert_ptr_null(site_lore(one.site, one.version));
	go(&one);
	go(&other);
}
END_TEST

START_TEST(test_news)
{
	struct hidden h;
	lead_to(&h, "a");
	learn(&h, 0, NOW);
	site_begin(h.site);
	ck_assert(!hidden_is_void(&h) && !is_due(&h, NOW));
	site_begin(h.site);
	site_end(h.site);
	ck_assert(!hidden_is_void(&h) && !is_due(&h, NOW));
	learn(&h, 0, NOW); /* that may be otherwise in a moment */
	ck_assert(!hidden_is_void(&h) && !is_due(&h, NOW));
	site_end(h.site);
	ck_assert(!hidden_is_void(&h) && is_due(&h, NOW));
	learn(&h, 0, NOW);
	ck_assert(hidden_is_void(&h) && !is_due(&h, NOW));
	go(&h);
}
END_TEST

START_TEST(test_news_while_it_is_asked)
{
	struct hidden h;
	lead_to(&h, "a");
	struct hidden_lore *lore = ask(&h);
	site_begin(h.site);
	site_end(h.site);
	answer(&h, lore, 0, NOW);
	ck_assert(!hidden_is_void(&h) && is_due(&h, NOW));
	go(&h);
}
END_TEST

START_TEST(test_vacated_once_a_while)
{
	const usec_t again = USEC_PER_SEC;
	atomic_uint versions = 0;
	struct site *site = site_new(SLICE("app"), &versions);
	ck_assert(site_vacate(site, 5000, again));
	ck_assert(!site_vacate(site, 5000, again));
	ck_assert(!site_vacate(site, 5000 + again - 1, again));
	ck_assert(site_vacate(site, 5000 + again, again));
	ck_assert(!site_vacate(site, 5000 + again, again));
	site_free(site);
}
END_TEST

START_TEST(test_ghosts)
{
	struct site_ghost ghosts[SITE_MAX_GHOSTS];
	struct hidden h;
	lead_to(&h, "a");
	learn(&h, 0, NOW);
	site_begin(h.site);
	site_lose(h.site, 4711, NOW);
	ck_assert(is_due(&h, NOW));
	ck_assert_uint_eq(site_ghosts(h.site, ghosts), 1);
	ck_assert_int_eq(ghosts[0].pid, 4711);
	struct hidden_lore *lore = ask(&h); /* it is still there */
	lore->heard = HIDDEN_NOT_HEARD;
	lore->learn_at = NOW + HIDDEN_GHOST_US;
	site_publish(h.site, lore);
	hidden_lore_unref(lore);
	ck_assert(!is_due(&h, NOW + HIDDEN_GHOST_US - 1) && !hidden_is_void(&h));
	ck_assert(is_due(&h, NOW + HIDDEN_GHOST_US));
	site_begin(h.site);
	site_lose(h.site, 4712, NOW);
	site_lay(h.site, ghosts, 1);
	ck_assert_uint_eq(site_ghosts(h.site, ghosts), 1);
	ck_assert_int_eq(ghosts[0].pid, 4712);
	for (int i = 0; i < SITE_MAX_GHOSTS; i++) {
		site_begin(h.site);
		site_lose(h.site, i, NOW);
	}
	ck_assert_uint_eq(site_ghosts(h.site, ghosts), SITE_MAX_GHOSTS);
	ck_assert_int_eq(ghosts[0].pid, 0);
	go(&h);
}
END_TEST

START_TEST(test_too_many)
{
	struct hidden h;
	lead_to(&h, "a");
	learn(&h, HIDDEN_MAX_NAMES, NOW);
	ck_assert(!hidden_is_void(&h));
	ck_assert(hidden_is_in(&h, SLICE("select * from N8191"), usual));
	ck_assert(!hidden_is_in(&h, SLICE("select * from n8192"), usual));
	learn(&h, HIDDEN_MAX_NAMES + 1, NOW);
	ck_assert(hidden_is_in(&h, SLICE("select * from other"), usual));
	go(&h);
}
END_TEST

START_TEST(test_a_verdict_lasts_as_long_as_what_it_rests_on)
{
	struct hidden_verdict verdict = { 0 };
	struct hidden h;
	struct slice sql = SLICE("select * from n0");
	lead_to(&h, "a");
	ck_assert(hidden_judge(&h, &verdict, sql, usual)); /* nothing is known yet */
	learn(&h, 1, NOW);
	ck_assert(hidden_judge(&h, &verdict, sql, usual));
	ck_assert(hidden_judge(&h, &verdict, SLICE("not read again"), usual));
	learn(&h, 0, NOW);
	ck_assert(!hidden_judge(&h, &verdict, sql, usual));
	site_begin(h.site);
	ck_assert(hidden_judge(&h, &verdict, sql, usual) && hidden_is_in(&h, sql, usual));
	go(&h);
}
END_TEST

Suite *hidden_suite(void)
{
	Suite *suite = suite_create("hidden");
	TCase *tc = tcase_create("hidden");
	tcase_add_test(tc, test_what_catalogs_say);
	tcase_add_test(tc, test_one_asks_how_the_catalogs_are);
	tcase_add_test(tc, test_who_answers_slowly_is_asked_more_seldom);
	tcase_add_test(tc, test_asked_first_and_now_and_then);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_one_asks_at_a_time);
	tcase_add_test(tc, test_one_learns_for_all_that_lead_there);
	tcase_add_test(tc, test_who_hears_that_it_was_wrong_is_told_so);
	tcase_add_test(tc, test_ghosts);
	tcase_add_test(tc, test_vacated_once_a_while);
	tcase_add_test(tc, test_news);
	tcase_add_test(tc, test_news_while_it_is_asked);
	tcase_add_test(tc, test_too_many);
	tcase_add_test(tc, test_a_verdict_lasts_as_long_as_what_it_rests_on);
	suite_add_tcase(suite, tc);
	return suite;
}
