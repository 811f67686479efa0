/*
 * check_tap.c - runs the unit tests of src/tap.
 */
#include <stdlib.h>

#include "suites.h"

int main(void)
{
	SRunner *runner = srunner_create(ring_suite());
	srunner_add_suite(runner, texts_suite());
	srunner_add_suite(runner, record_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
