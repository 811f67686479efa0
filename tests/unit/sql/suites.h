/*
 * suites.h - what check_sql runs.
 */
#ifndef TESTS_SQL_SUITES_H
#define TESTS_SQL_SUITES_H

#include <check.h>

Suite *block_suite(void);
Suite *effect_suite(void);
Suite *lexer_suite(void);
Suite *literal_suite(void);
Suite *letters_suite(void);
Suite *mention_suite(void);
Suite *vacant_suite(void);
Suite *defaults_suite(void);
Suite *naming_suite(void);
Suite *norm_suite(void);
Suite *fingerprint_suite(void);
Suite *plain_suite(void);
Suite *split_suite(void);
Suite *words_suite(void);

#endif
