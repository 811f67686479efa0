/*
 * suites.h - what check_advisor runs.
 */
#ifndef TESTS_ADVISOR_SUITES_H
#define TESTS_ADVISOR_SUITES_H

#include <check.h>

Suite *lineout_suite(void);
Suite *slowlog_suite(void);
Suite *slowsql_suite(void);
Suite *observer_suite(void);

#endif
