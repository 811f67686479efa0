/*
 * check_advisor.c - runs the unit tests of src/advisor.
 */
#include <stdlib.h>

#include "suites.h"

int main(void)
{
	SRunner *runner = srunner_create(lineout_suite());
	srunner_add_suite(runner, slowsql_suite());
	srunner_add_suite(runner, slowlog_suite());
	srunner_add_suite(runner, observer_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
