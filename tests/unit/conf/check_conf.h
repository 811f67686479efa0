/*
 * check_conf.h - the suites of the configuration, one per module, and what they share.
 */
#ifndef CHECK_CONF_H
#define CHECK_CONF_H

#include <check.h>

#include "conf/conf.h"

Suite *suite_conf(void);
Suite *suite_conninfo(void);
Suite *suite_credential(void);
Suite *suite_inifile(void);
Suite *suite_protocols(void);
Suite *suite_share(void);
Suite *suite_setting(void);
Suite *suite_value(void);

/* Is there a fault in this line (0: any) whose text has this in it? */
bool check_conf_has(const struct conf_faults *faults, int line, const char *text);

/* The snapshot that the text makes; fails the test if it makes none. The caller's reference. */
struct conf *check_conf_good(const char *text);

/* The text has this fault in this line, and no other. */
void check_conf_bad(const char *text, int line, const char *fault);

#endif
