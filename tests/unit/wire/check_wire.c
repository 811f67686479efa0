/*
 * check_wire.c - runs the unit tests of src/wire.
 */
#include "check_wire.h"

#include <stdlib.h>

int main(void)
{
	SRunner *sr = srunner_create(suite_reader());
	srunner_add_suite(sr, suite_frame());
	srunner_add_suite(sr, suite_startup());
	srunner_add_suite(sr, suite_build());
	srunner_add_suite(sr, suite_notice());
	srunner_add_suite(sr, suite_tag());
	srunner_add_suite(sr, suite_errors());
	srunner_add_suite(sr, suite_track());
	srunner_add_suite(sr, suite_talk());
	srunner_add_suite(sr, suite_track_random());
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
