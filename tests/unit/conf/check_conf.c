/*
 * check_conf.c - runs the unit tests of src/conf.
 */
#include "check_conf.h"

#include <stdlib.h>
#include <string.h>

bool check_conf_has(const struct conf_faults *faults, int line, const char *text)
{
	for (size_t i = 0; i < faults->count; i++) {
		const struct conf_fault *f = &faults->items[i];
		if ((line == 0 || f->line == line) && strstr(f->text, text))
			return true;
	}
	return false;
}

static const char *first(const struct conf_faults *faults)
{
	return faults->count > 0 ? faults->items[0].text : "none";
}

struct conf *check_conf_good(const char *text)
{
	struct conf_faults faults;
	struct conf *conf = conf_parse(slice_of(text), "test.ini", &faults);
	ck_assert_msg(conf != NULL, "%s in:\n%s", first(&faults), text);
	ck_assert_uint_eq(faults.count, 0);
	conf_faults_fini(&faults);
	return conf;
}

void check_conf_bad(const char *text, int line, const char *fault)
{
	struct conf_faults faults;
	struct conf *conf = conf_parse(slice_of(text), "test.ini", &faults);
	ck_assert_msg(conf == NULL, "no fault in:\n%s", text);
	ck_assert_msg(faults.count == 1 && check_conf_has(&faults, line, fault),
		      "%zu faults, line %d: %s; not line %d: %s", faults.count,
		      faults.count > 0 ? faults.items[0].line : 0, first(&faults), line, fault);
	ck_assert_str_eq(faults.items[0].file, "test.ini");
	conf_faults_fini(&faults);
}

int main(void)
{
	SRunner *sr = srunner_create(suite_setting());
	srunner_add_suite(sr, suite_protocols());
	srunner_add_suite(sr, suite_share());
	srunner_add_suite(sr, suite_value());
	srunner_add_suite(sr, suite_inifile());
	srunner_add_suite(sr, suite_conninfo());
	srunner_add_suite(sr, suite_credential());
	srunner_add_suite(sr, suite_conf());
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
