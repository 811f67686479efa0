/*
 * cases.h - tables of test cases in files, a case a line:
 *
 *   [options] input ==> expected
 *
 * Empty lines and lines that begin with # are passed over; `[options]` may be missing. <n>, <r>,
 * <t> and <xNN> stand for a line end, a return, a tab and any byte, <s> for a space at an end.
 */
#ifndef TESTS_SQL_CASES_H
#define TESTS_SQL_CASES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "sql/lexer.h"

#define CASES_TEXT_BYTES 1024

struct one_case {
	int line;
	char options[128];
	char input[CASES_TEXT_BYTES];
	size_t input_len;
	char expected[CASES_TEXT_BYTES];
};

/* Calls fn with each case of tests/unit/sql/NAME; ends the program where that cannot be read, or
 * has none. */
void cases_each(const char *name, void (*fn)(const struct one_case *c));

struct slice case_input(const struct one_case *c);
bool case_has(const struct one_case *c, const char *option);
size_t case_number(const struct one_case *c, const char *option); /* option=N; 0 without it */
struct lexer_mode case_mode(const struct one_case *c);            /* backslashes, sjis, paired */

#endif
