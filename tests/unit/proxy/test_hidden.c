/*
 * test_hidden.c - what is known of names that hide code, and when it is to be asked anew.
 */
#include <stdio.h>

#include "check_proxy.h"
#include "proxy/hidden.h"

#define NOW ((usec_t)1000000)

static const struct lexer_mode usual = { 0 };

/* The server has said that so many names hide code, "n0" and so on. */
static void learn(struct hidden *h, unsigned count, usec_t now)
{
	struct hidden_lore lore;
	char name[32];
	uint64_t heard = hidden_ask(h);
	hidden_lore_init(&lore);
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		hidden_lore_add(&lore, slice_of(name));
	}
	hidden_learnt(h, heard, &lore, now + HIDDEN_LEARN_US);
	hidden_lore_fini(&lore);
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
	struct hidden_news news = { 0 };
	struct hidden h;
	hidden_init(&h, &news);
	ck_assert(hidden_is_due(&h, NOW) && !hidden_is_void(&h));
	learn(&h, 0, NOW);
	ck_assert(hidden_is_void(&h));
	ck_assert(!hidden_is_due(&h, NOW + HIDDEN_LEARN_US - 1));
	ck_assert(hidden_is_due(&h, NOW + HIDDEN_LEARN_US));
	(void)hidden_ask(&h); /* one is enough */
	ck_assert(!hidden_is_due(&h, NOW + HIDDEN_LEARN_US));
	hidden_learnt(&h, 0, NULL, NOW); /* it does not answer */
	ck_assert(hidden_is_due(&h, NOW + HIDDEN_LEARN_US));
	ck_assert(hidden_is_void(&h));
	hidden_fini(&h);
}
END_TEST

START_TEST(test_news)
{
	struct hidden_news news = { 0 };
	struct hidden h;
	hidden_init(&h, &news);
	learn(&h, 0, NOW);
	hidden_news_begin(&news);
	ck_assert(!hidden_is_void(&h) && !hidden_is_due(&h, NOW));
	hidden_news_begin(&news);
	hidden_news_end(&news);
	ck_assert(!hidden_is_void(&h) && !hidden_is_due(&h, NOW));
	learn(&h, 0, NOW); /* that may be otherwise in a moment */
	ck_assert(!hidden_is_void(&h) && !hidden_is_due(&h, NOW));
	hidden_news_end(&news);
	ck_assert(!hidden_is_void(&h) && hidden_is_due(&h, NOW));
	learn(&h, 0, NOW);
	ck_assert(hidden_is_void(&h) && !hidden_is_due(&h, NOW));
	hidden_fini(&h);
}
END_TEST

START_TEST(test_news_while_it_is_asked)
{
	struct hidden_news news = { 0 };
	struct hidden_lore lore;
	struct hidden h;
	hidden_init(&h, &news);
	hidden_lore_init(&lore);
	uint64_t heard = hidden_ask(&h);
	hidden_news_begin(&news);
	hidden_news_end(&news);
	hidden_learnt(&h, heard, &lore, NOW + HIDDEN_LEARN_US);
	ck_assert(!hidden_is_void(&h) && hidden_is_due(&h, NOW));
	hidden_fini(&h);
}
END_TEST

START_TEST(test_too_many)
{
	struct hidden_news news = { 0 };
	struct hidden h;
	hidden_init(&h, &news);
	learn(&h, HIDDEN_MAX_NAMES, NOW);
	ck_assert(!hidden_is_void(&h));
	ck_assert(hidden_is_in(&h, SLICE("select * from N8191"), usual));
	ck_assert(!hidden_is_in(&h, SLICE("select * from n8192"), usual));
	learn(&h, HIDDEN_MAX_NAMES + 1, NOW);
	ck_assert(hidden_is_in(&h, SLICE("select * from other"), usual));
	hidden_fini(&h);
}
END_TEST

START_TEST(test_a_verdict_lasts_as_long_as_what_it_rests_on)
{
	struct hidden_news news = { 0 };
	struct hidden_verdict verdict = { 0 };
	struct hidden h;
	struct slice sql = SLICE("select * from n0");
	hidden_init(&h, &news);
	ck_assert(hidden_judge(&h, &verdict, sql, usual)); /* nothing is known yet */
	learn(&h, 1, NOW);
	ck_assert(hidden_judge(&h, &verdict, sql, usual));
	ck_assert(hidden_judge(&h, &verdict, SLICE("not read again"), usual));
	learn(&h, 0, NOW);
	ck_assert(!hidden_judge(&h, &verdict, sql, usual));
	hidden_news_begin(&news);
	ck_assert(hidden_judge(&h, &verdict, sql, usual) && hidden_is_in(&h, sql, usual));
	hidden_fini(&h);
}
END_TEST

Suite *hidden_suite(void)
{
	Suite *suite = suite_create("hidden");
	TCase *tc = tcase_create("hidden");
	tcase_add_test(tc, test_who_answers_slowly_is_asked_more_seldom);
	tcase_add_test(tc, test_asked_first_and_now_and_then);
	tcase_add_test(tc, test_news);
	tcase_add_test(tc, test_news_while_it_is_asked);
	tcase_add_test(tc, test_too_many);
	tcase_add_test(tc, test_a_verdict_lasts_as_long_as_what_it_rests_on);
	suite_add_tcase(suite, tc);
	return suite;
}
