/*
 * check_base.c - runs the unit tests of src/base.
 */
#include "check_base.h"

#include <stdlib.h>

int main(void)
{
	SRunner *sr = srunner_create(suite_slice());
	srunner_add_suite(sr, suite_list());
	srunner_add_suite(sr, suite_buf());
	srunner_add_suite(sr, suite_map());
	srunner_add_suite(sr, suite_slab());
	srunner_add_suite(sr, suite_vault());
	srunner_add_suite(sr, suite_wheel());
	srunner_add_suite(sr, suite_hist());
	srunner_add_suite(sr, suite_log());
	srunner_add_suite(sr, suite_filetext());
	srunner_add_suite(sr, suite_thread());
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
