/*
 * check_auth.c - runs the unit tests of src/auth.
 */
#include "check_auth.h"

#include <stdlib.h>

int main(void)
{
	SRunner *sr = srunner_create(suite_base64());
	srunner_add_suite(sr, suite_entropy());
	srunner_add_suite(sr, suite_saslprep());
	srunner_add_suite(sr, suite_md5());
	srunner_add_suite(sr, suite_scram());
	srunner_add_suite(sr, suite_secret());
	srunner_add_suite(sr, suite_userlist());
	srunner_add_suite(sr, suite_scram_server());
	srunner_add_suite(sr, suite_scram_client());
	srunner_add_suite(sr, suite_auth());
	srunner_add_suite(sr, suite_namepat());
	srunner_add_suite(sr, suite_ldapopts());
	srunner_add_suite(sr, suite_judge());
	srunner_add_suite(sr, suite_hba());
	srunner_add_suite(sr, suite_ident());
	srunner_add_suite(sr, suite_authcache());
	srunner_add_suite(sr, suite_authrow());
	srunner_add_suite(sr, suite_authtries());
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
