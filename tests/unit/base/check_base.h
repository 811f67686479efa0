/*
 * check_base.h - the suites of the lowest room, one per module.
 */
#ifndef CHECK_BASE_H
#define CHECK_BASE_H

#include <check.h>

Suite *suite_buf(void);
Suite *suite_filetext(void);
Suite *suite_hist(void);
Suite *suite_list(void);
Suite *suite_log(void);
Suite *suite_map(void);
Suite *suite_slab(void);
Suite *suite_vault(void);
Suite *suite_slice(void);
Suite *suite_thread(void);
Suite *suite_wheel(void);

#endif
