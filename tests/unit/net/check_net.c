/*
 * check_net.c - the tests of net/.
 */
#include "check_net.h"

#include <signal.h>
#include <stdlib.h>

struct loop *check_net_loop(void)
{
	struct err err = { "" };
	struct loop *loop = loop_new("test", &err);
	ck_assert_msg(loop != NULL, "%s", err.text);
	return loop;
}

static void check_net_on_bell(struct timer *t, usec_t now)
{
	(void)t;
	(void)now;
}

/* A loop with nothing to do sleeps until the bell; one that spins turns thousands of times. */
void check_net_settle(struct loop *loop)
{
	struct timer bell;
	wheel_init_timer(&bell, check_net_on_bell);
	loop_set_timer(loop, &bell, usec_after(usec_now(), 50 * USEC_PER_MSEC));
	int turns = 0;
	for (; wheel_is_armed(&bell); turns++)
		loop_turn(loop, USEC_NEVER);
	ck_assert_int_lt(turns, 60);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	SRunner *runner = srunner_create(addr_suite());
	srunner_add_suite(runner, netblock_suite());
	srunner_add_suite(runner, proxyhead_suite());
	srunner_add_suite(runner, loop_suite());
	srunner_add_suite(runner, mailbox_suite());
	srunner_add_suite(runner, conn_suite());
	srunner_add_suite(runner, conn_tls_suite());
	srunner_add_suite(runner, tls_suite());
	srunner_add_suite(runner, tls_work_suite());
	srunner_add_suite(runner, listener_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
