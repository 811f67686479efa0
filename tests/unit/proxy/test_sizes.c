/*
 * test_sizes.c - what there is of each connection, as long as it is there.
 *
 * Ten thousand idle clients are ten thousand times the first. What makes one larger belongs,
 * where it can, into what exists only while it is needed (client->login, ->journal, conn->out).
 */
#include "check_proxy.h"

#include "proxy/client.h"
#include "proxy/server.h"

START_TEST(client_is_small)
{
	ck_assert_uint_le(sizeof(struct conn), 192);
	ck_assert_uint_le(sizeof(struct client), 592);
}
END_TEST

START_TEST(server_is_small)
{
	ck_assert_uint_le(sizeof(struct server), 896);
}
END_TEST

Suite *sizes_suite(void)
{
	Suite *s = suite_create("sizes");
	TCase *t = tcase_create("sizes");
	tcase_add_test(t, client_is_small);
	tcase_add_test(t, server_is_small);
	suite_add_tcase(s, t);
	return s;
}
