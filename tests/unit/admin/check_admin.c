/*
 * check_admin.c - runs the unit tests of src/admin.
 */
#include "check_admin.h"

#include <stdlib.h>

void setup_make(struct setup *setup, const char *conf, const char *users)
{
	struct conf_faults faults = { 0 };
	setup->conf = conf_parse(slice_of(conf), "test.ini", &faults);
	ck_assert_msg(setup->conf != NULL, "%s", faults.count ? faults.items[0].text : "?");
	conf_faults_fini(&faults);
	setup->users = userlist_parse(slice_of(users), NULL, NULL, NULL);
	ck_assert_ptr_nonnull(setup->users);
}

void setup_drop(struct setup *setup)
{
	conf_unref(setup->conf);
	userlist_unref(setup->users);
}

int main(void)
{
	SRunner *sr = srunner_create(suite_order());
	srunner_add_suite(sr, suite_sheet());
	srunner_add_suite(sr, suite_averages());
	srunner_add_suite(sr, suite_show());
	srunner_add_suite(sr, suite_talk());
	srunner_add_suite(sr, suite_manual());
	srunner_add_suite(sr, suite_console());
	srunner_add_suite(sr, suite_desk());
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
