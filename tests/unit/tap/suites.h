/*
 * suites.h - what check_tap runs.
 */
#ifndef TESTS_TAP_SUITES_H
#define TESTS_TAP_SUITES_H

#include <check.h>

Suite *ring_suite(void);
Suite *texts_suite(void);
Suite *record_suite(void);

#endif
