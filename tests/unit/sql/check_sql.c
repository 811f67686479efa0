/*
 * check_sql.c - runs the unit tests of src/sql.
 */
#include <stdlib.h>

#include "suites.h"

int main(void)
{
	SRunner *runner = srunner_create(lexer_suite());
	srunner_add_suite(runner, norm_suite());
	srunner_add_suite(runner, plain_suite());
	srunner_add_suite(runner, fingerprint_suite());
	srunner_add_suite(runner, split_suite());
	srunner_add_suite(runner, words_suite());
	srunner_add_suite(runner, literal_suite());
	srunner_add_suite(runner, effect_suite());
	srunner_add_suite(runner, block_suite());
	srunner_add_suite(runner, letters_suite());
	srunner_add_suite(runner, mention_suite());
	srunner_add_suite(runner, naming_suite());
	srunner_add_suite(runner, vacant_suite());
	srunner_add_suite(runner, defaults_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
