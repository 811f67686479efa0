/*
 * test_balance.c - which worker gets a client, and which gives some away.
 */
#include "check_pool.h"

#include <string.h>

#include "pool/balance.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(test_who_has_the_fewest_gets_the_next)
{
	const int32_t even[] = { 3, 3, 3 }, ahead[] = { 4, 3, 2 }, behind[] = { 0, 1, 1 };
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(balance_place(even, 3, i), i);
	ck_assert_uint_eq(balance_place(ahead, 3, 0), 2);
	ck_assert_uint_eq(balance_place(ahead, 3, 1), 2);
	ck_assert_uint_eq(balance_place(behind, 3, 0), 0);
	ck_assert_uint_eq(balance_place(ahead, 1, 0), 0);
}
END_TEST

START_TEST(test_among_many_a_few_more_are_kept)
{
	const int32_t many[] = { 1060, 1000 }, too_many[] = { 1070, 1000 };
	ck_assert_uint_eq(balance_place(many, 2, 0), 0);
	ck_assert_uint_eq(balance_place(too_many, 2, 0), 1);
}
END_TEST

START_TEST(test_placed_one_by_one_they_are_even)
{
	int32_t clients[5] = { 0 };
	for (int i = 0; i < 50; i++)
		clients[balance_place(clients, N(clients), 2)]++;
	for (unsigned i = 0; i < N(clients); i++)
		ck_assert_int_eq(clients[i], 10);
}
END_TEST

START_TEST(test_the_busy_one_gives_half_of_what_it_is_ahead)
{
	const int32_t busy[] = { 1000, 0 };
	struct balance_move move = balance_give(busy, 2, 0, 1000);
	ck_assert(balance_is_ahead(busy, 2, 0));
	ck_assert_uint_eq(move.to, 1);
	ck_assert_uint_eq(move.clients, 500);
	ck_assert_int_eq(move.share, 500);
	ck_assert(!balance_is_ahead(busy, 2, 1));
	ck_assert_uint_eq(balance_give(busy, 2, 1, 1000).clients, 0);
}
END_TEST

START_TEST(test_nobody_gives_for_little)
{
	const int32_t idle[] = { 150, 0 }, close[] = { 900, 800 }, near[] = { 280, 200 };
	ck_assert_uint_eq(balance_give(idle, 2, 0, 100).clients, 0);
	ck_assert_uint_eq(balance_give(close, 2, 0, 100).clients, 0);
	ck_assert_uint_eq(balance_give(near, 2, 0, 100).clients, 0);
	ck_assert(!balance_is_ahead(close, 2, 0));
}
END_TEST

START_TEST(test_one_client_that_is_all_the_load_stays)
{
	const int32_t busy[] = { 1000, 0 }, odd[] = { 600, 300 };
	ck_assert_uint_eq(balance_give(busy, 2, 0, 1).clients, 0);
	ck_assert_uint_eq(balance_give(busy, 2, 0, 2).clients, 1);
	ck_assert_uint_eq(balance_give(odd, 2, 0, 2).clients, 0);
	ck_assert_uint_eq(balance_give(busy, 2, 0, 0).clients, 0);
}
END_TEST

/* Workers with clients of any weight that each say what they think they have, in turn: they come
 * to rest, and nobody is far ahead then. */
START_TEST(test_workers_come_to_rest)
{
	enum { WORKERS = 4, CLIENTS = 400 };
	uint32_t seed = (uint32_t)_i * 2654435761u + 1;
	int32_t weight[CLIENTS], busy[WORKERS];
	unsigned at[CLIENTS], moved = 1, rounds = 0;
	for (unsigned c = 0; c < CLIENTS; c++) {
		seed = seed * 1664525u + 1013904223u;
		weight[c] = 1 + (int32_t)(seed >> 24) % 9;
		at[c] = (seed >> 20) % 8 ? 0 : (seed >> 16) % WORKERS;
	}
	while (moved > 0) {
		ck_assert_uint_lt(rounds++, 100);
		moved = 0;
		for (unsigned w = 0; w < WORKERS; w++) {
			unsigned active = 0;
			memset(busy, 0, sizeof(busy));
			for (unsigned c = 0; c < CLIENTS; c++) {
				busy[at[c]] += weight[c];
				active += at[c] == w;
			}
			struct balance_move move = balance_give(busy, WORKERS, w, active);
			unsigned left = move.clients;
			for (unsigned c = 0; c < CLIENTS && left > 0; c++)
				if (at[c] == w) {
					at[c] = move.to;
					left--;
					moved++;
				}
		}
	}
	for (unsigned w = 0; w < WORKERS; w++)
		ck_assert(!balance_is_ahead(busy, WORKERS, w));
}
END_TEST

Suite *suite_balance(void)
{
	Suite *s = suite_create("balance");
	TCase *tc = tcase_create("balance");
	tcase_add_test(tc, test_who_has_the_fewest_gets_the_next);
	tcase_add_test(tc, test_among_many_a_few_more_are_kept);
	tcase_add_test(tc, test_placed_one_by_one_they_are_even);
	tcase_add_test(tc, test_the_busy_one_gives_half_of_what_it_is_ahead);
	tcase_add_test(tc, test_nobody_gives_for_little);
	tcase_add_test(tc, test_one_client_that_is_all_the_load_stays);
	tcase_add_loop_test(tc, test_workers_come_to_rest, 0, 50);
	suite_add_tcase(s, tc);
	return s;
}
