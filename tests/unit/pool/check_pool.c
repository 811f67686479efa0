/*
 * check_pool.c - runs the unit tests of src/pool.
 */
#include "check_pool.h"

#include <stdlib.h>

int main(void)
{
	SRunner *sr = srunner_create(suite_permits());
	srunner_add_suite(sr, suite_balance());
	srunner_add_suite(sr, suite_pool_order());
	srunner_add_suite(sr, suite_pool());
	srunner_add_suite(sr, suite_pool_age());
	srunner_add_suite(sr, suite_pool_operator());
	srunner_add_suite(sr, suite_pool_workers());
	srunner_add_suite(sr, suite_pool_cap());
	srunner_add_suite(sr, suite_pool_threads());
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
