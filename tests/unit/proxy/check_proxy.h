/*
 * check_proxy.h - what the tests of proxy/ share.
 */
#ifndef CHECK_PROXY_H
#define CHECK_PROXY_H

#include <check.h>
#include <stdbool.h>

#include "base/usec.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "proxy/helper.h"

Suite *canceler_suite(void);
Suite *connector_md5_suite(void);
Suite *connector_steps_suite(void);
Suite *connector_suite(void);
Suite *connector_text_suite(void);
Suite *doorkeeper_suite(void);
Suite *helper_suite(void);
Suite *hidden_suite(void);
Suite *hub_suite(void);
Suite *journal_suite(void);
Suite *journal_texts_suite(void);
Suite *localpool_suite(void);
Suite *login_rule_suite(void);
Suite *note_suite(void);
Suite *paramset_suite(void);
Suite *proven_suite(void);
Suite *registry_suite(void);
Suite *replication_suite(void);
Suite *reset_suite(void);
Suite *seam_suite(void);
Suite *retry_suite(void);
Suite *shape_suite(void);
Suite *stmt_suite(void);
Suite *sizes_suite(void);
Suite *startparams_suite(void);

/* A loop with a mailbox and a crew: what a worker has, as far as helpers are concerned. */
struct office {
	struct loop *loop;
	struct mailbox *box;
	struct helper_crew *crew;
};

void office_open(struct office *o, int helpers, size_t max_queued);
void office_close(struct office *o); /* interrupts what runs and delivers what comes back */

/* Turns until the condition holds. One that never comes true ends in check's time limit. */
#define TURN_UNTIL(loop, condition)                                                                \
	while (!(condition))                                                                       \
	loop_turn((loop), usec_after(usec_now(), 20 * USEC_PER_MSEC))

/* ---- a PostgreSQL of our own (cluster.c) ------------------------------------------------ */

bool cluster_start(void); /* false: PostgreSQL is not installed here */
void cluster_stop(void);
int cluster_port(void);
const char *cluster_dir(void);                          /* where its Unix socket is */
const char *cluster_password(void);                     /* of every user that has one */
void cluster_sql(const char *sql, char *out, size_t n); /* first value; out may be NULL */

#endif
