/*
 * check_pool.h - the suites of the pool, one per subject.
 */
#ifndef CHECK_POOL_H
#define CHECK_POOL_H

#include <check.h>

Suite *suite_balance(void);
Suite *suite_permits(void);
Suite *suite_pool(void);
Suite *suite_pool_age(void);
Suite *suite_pool_cap(void);
Suite *suite_pool_operator(void);
Suite *suite_pool_order(void);
Suite *suite_pool_threads(void);
Suite *suite_pool_workers(void);

#endif
