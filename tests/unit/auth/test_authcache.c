/*
 * test_authcache.c - how long answers are kept, how many, and how often they may be doubted.
 */
#include "auth/authcache.h"

#include <stdio.h>

#include "check_auth.h"

#define NOW ((usec_t)1000000)
#define KEEP ((usec_t)10)

static struct slice key_of(char *text, size_t bytes, int n)
{
	return slice_make(text, (size_t)snprintf(text, bytes, "user %d", n));
}

START_TEST(an_answer_holds_until_its_time)
{
	struct authcache c;
	struct secret *s = secret_new(SLICE("hello"));
	authcache_init(&c, 4, 4);
	ck_assert_ptr_null(authcache_get(&c, SLICE("a"), NOW));
	authcache_put(&c, SLICE("a"), AUTHCACHE_YES, s, KEEP, NOW);
	authcache_put(&c, SLICE("b"), AUTHCACHE_NO, NULL, KEEP / 2, NOW);

	const struct authcache_answer *a = authcache_get(&c, SLICE("a"), NOW + KEEP - 1);
	ck_assert_int_eq(a->kind, AUTHCACHE_YES);
	ck_assert_ptr_eq(a->secret, s);
	ck_assert_int_eq(a->asked_at, NOW);
	ck_assert_int_eq(authcache_get(&c, SLICE("b"), NOW)->kind, AUTHCACHE_NO);
	ck_assert_ptr_null(authcache_get(&c, SLICE("b"), NOW + KEEP / 2));
	ck_assert_ptr_null(authcache_get(&c, SLICE("a"), NOW + KEEP));
	ck_assert_uint_eq(c.count[AUTHCACHE_YES] + c.count[AUTHCACHE_NO], 0);
	ck_assert_uint_eq(map_count(&c.answers), 0);
	authcache_fini(&c);
	secret_unref(s);
}
END_TEST

START_TEST(a_newer_answer_takes_the_place)
{
	struct authcache c;
	struct secret *s = secret_new(SLICE("hello"));
	authcache_init(&c, 4, 4);
	authcache_put(&c, SLICE("a"), AUTHCACHE_NO, NULL, KEEP, NOW);
	authcache_put(&c, SLICE("a"), AUTHCACHE_YES, s, KEEP, NOW + 5);
	ck_assert_int_eq(authcache_get(&c, SLICE("a"), NOW + KEEP)->kind, AUTHCACHE_YES);
	ck_assert_uint_eq(c.count[AUTHCACHE_NO], 0);
	ck_assert_uint_eq(c.count[AUTHCACHE_YES], 1);
	authcache_put(&c, SLICE("a"), AUTHCACHE_YES, s, 0, NOW + 6); /* kept for no time */
	ck_assert_ptr_null(authcache_get(&c, SLICE("a"), NOW + 6));
	authcache_fini(&c);
	secret_unref(s);
}
END_TEST

START_TEST(guesses_push_no_user_out)
{
	struct authcache c;
	char text[32];
	authcache_init(&c, 2, 3);
	authcache_put(&c, SLICE("real"), AUTHCACHE_YES, NULL, KEEP, NOW);
	for (int i = 0; i < 100; i++)
		authcache_put(&c, key_of(text, sizeof(text), i), AUTHCACHE_NO, NULL, KEEP, NOW);
	ck_assert_uint_eq(c.count[AUTHCACHE_NO], 3);
	ck_assert_ptr_nonnull(authcache_get(&c, SLICE("real"), NOW));
	ck_assert_ptr_null(authcache_get(&c, key_of(text, sizeof(text), 96), NOW));
	ck_assert_ptr_nonnull(authcache_get(&c, key_of(text, sizeof(text), 97), NOW));
	authcache_fini(&c);
}
END_TEST

START_TEST(the_one_unused_longest_goes)
{
	struct authcache c;
	authcache_init(&c, 2, 0);
	authcache_put(&c, SLICE("a"), AUTHCACHE_YES, NULL, KEEP, NOW);
	authcache_put(&c, SLICE("b"), AUTHCACHE_YES, NULL, KEEP, NOW);
	ck_assert_ptr_nonnull(authcache_get(&c, SLICE("a"), NOW));
	authcache_put(&c, SLICE("c"), AUTHCACHE_YES, NULL, KEEP, NOW);
	ck_assert_ptr_null(authcache_get(&c, SLICE("b"), NOW));
	ck_assert_ptr_nonnull(authcache_get(&c, SLICE("a"), NOW));
	authcache_put(&c, SLICE("d"), AUTHCACHE_NO, NULL, KEEP, NOW); /* none of these is kept */
	ck_assert_ptr_null(authcache_get(&c, SLICE("d"), NOW));
	authcache_fini(&c);
}
END_TEST

START_TEST(doubts_are_bounded)
{
	struct authcache c;
	authcache_init(&c, 4, 4);
	ck_assert(authcache_doubt(&c, SLICE("a"), 5, NOW)); /* not kept: always */
	ck_assert(authcache_doubt(&c, SLICE("a"), 5, NOW));
	authcache_put(&c, SLICE("a"), AUTHCACHE_YES, NULL, 100, NOW);
	ck_assert(authcache_doubt(&c, SLICE("a"), 5, NOW));
	ck_assert(!authcache_doubt(&c, SLICE("a"), 5, NOW));
	authcache_put(&c, SLICE("a"), AUTHCACHE_YES, NULL, 100, NOW + 1); /* the new answer */
	ck_assert(!authcache_doubt(&c, SLICE("a"), 5, NOW + 4));
	ck_assert(authcache_doubt(&c, SLICE("a"), 5, NOW + 5));
	ck_assert_ptr_nonnull(authcache_get(&c, SLICE("a"), NOW + 5));
	authcache_fini(&c);
}
END_TEST

START_TEST(cleared_and_removed)
{
	struct authcache c;
	authcache_init(&c, 4, 4);
	authcache_put(&c, SLICE("a"), AUTHCACHE_YES, NULL, USEC_NEVER, NOW);
	authcache_put(&c, SLICE("b"), AUTHCACHE_NO, NULL, USEC_NEVER, NOW);
	authcache_remove(&c, SLICE("a"));
	authcache_remove(&c, SLICE("nobody"));
	ck_assert_ptr_null(authcache_get(&c, SLICE("a"), NOW));
	ck_assert_ptr_nonnull(authcache_get(&c, SLICE("b"), USEC_NEVER - 1));
	authcache_clear(&c);
	ck_assert_ptr_null(authcache_get(&c, SLICE("b"), NOW));
	authcache_put(&c, SLICE("b"), AUTHCACHE_NO, NULL, KEEP, NOW);
	ck_assert_ptr_nonnull(authcache_get(&c, SLICE("b"), NOW));
	authcache_fini(&c);
}
END_TEST

Suite *suite_authcache(void)
{
	Suite *s = suite_create("authcache");
	TCase *tc = tcase_create("authcache");
	tcase_add_test(tc, an_answer_holds_until_its_time);
	tcase_add_test(tc, a_newer_answer_takes_the_place);
	tcase_add_test(tc, guesses_push_no_user_out);
	tcase_add_test(tc, the_one_unused_longest_goes);
	tcase_add_test(tc, doubts_are_bounded);
	tcase_add_test(tc, cleared_and_removed);
	suite_add_tcase(s, tc);
	return s;
}
