/*
 * check_net.h - what the tests of net/ share.
 */
#ifndef CHECK_NET_H
#define CHECK_NET_H

#include <check.h>
#include <stdbool.h>

#include "net/loop.h"

Suite *addr_suite(void);
Suite *netblock_suite(void);
Suite *proxyhead_suite(void);
Suite *conn_suite(void);
Suite *conn_tls_suite(void);
Suite *listener_suite(void);
Suite *loop_suite(void);
Suite *mailbox_suite(void);
Suite *tls_suite(void);
Suite *tls_work_suite(void);

struct loop *check_net_loop(void); /* a new one, or the test fails */

/* Turns until the condition holds. A condition that never comes true ends in check's own time
 * limit. */
#define TURN_UNTIL(loop, condition)                                                                \
	while (!(condition))                                                                       \
	loop_turn((loop), usec_after(usec_now(), 20 * USEC_PER_MSEC))

/* Turns until the loop has nothing to do; fails when it does not come to rest. */
void check_net_settle(struct loop *loop);

#endif
