/*
 * check_proxy.c - the tests of proxy/.
 */
#include "check_proxy.h"

#include <signal.h>
#include <stdlib.h>

void office_open(struct office *o, int helpers, size_t max_queued)
{
	struct err err = { "" };
	o->loop = loop_new("test", &err);
	ck_assert_msg(o->loop != NULL, "%s", err.text);
	o->box = mailbox_new(o->loop, o, &err);
	ck_assert_msg(o->box != NULL, "%s", err.text);
	o->crew = helper_new(helpers, max_queued, &err);
	ck_assert_msg(o->crew != NULL, "%s", err.text);
}

void office_close(struct office *o)
{
	ck_assert(helper_free(o->crew, USEC_NEVER));
	mailbox_free(o->box);
	loop_free(o->loop);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	SRunner *runner = srunner_create(helper_suite());
	srunner_add_suite(runner, connector_text_suite());
	srunner_add_suite(runner, connector_steps_suite());
	srunner_add_suite(runner, doorkeeper_suite());
	srunner_add_suite(runner, hidden_suite());
	srunner_add_suite(runner, hub_suite());
	srunner_add_suite(runner, journal_suite());
	srunner_add_suite(runner, journal_texts_suite());
	srunner_add_suite(runner, localpool_suite());
	srunner_add_suite(runner, login_rule_suite());
	srunner_add_suite(runner, note_suite());
	srunner_add_suite(runner, paramset_suite());
	srunner_add_suite(runner, proven_suite());
	srunner_add_suite(runner, registry_suite());
	srunner_add_suite(runner, replication_suite());
	srunner_add_suite(runner, reset_suite());
	srunner_add_suite(runner, seam_suite());
	srunner_add_suite(runner, retry_suite());
	srunner_add_suite(runner, shape_suite());
	srunner_add_suite(runner, stmt_suite());
	srunner_add_suite(runner, sizes_suite());
	srunner_add_suite(runner, startparams_suite());
	if (cluster_start()) {
		srunner_add_suite(runner, connector_suite());
		srunner_add_suite(runner, connector_md5_suite());
		srunner_add_suite(runner, canceler_suite());
	}
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	cluster_stop();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
