/*
 * check_admin.h - what the tests of admin/ share.
 */
#ifndef CHECK_ADMIN_H
#define CHECK_ADMIN_H

#include <check.h>

#include "base/buf.h"
#include "base/slice.h"
#include "proxy/setup.h"

Suite *suite_averages(void);
Suite *suite_console(void);
Suite *suite_desk(void);
Suite *suite_manual(void);
Suite *suite_order(void);
Suite *suite_sheet(void);
Suite *suite_show(void);
Suite *suite_talk(void);

/* ---- said.c: reading what the console says -------------------------------------------------- */

/* The types of all messages in it, in their order: "TDCZ". In static memory. */
const char *said_kinds(const struct buf *b);

/* The body of the n-th message (from 0) of that type; the test fails where there is none. */
struct slice said_body(const struct buf *b, char type, size_t n);

/* A field of the first message of that type, E or N; in static memory. */
const char *said_field(const struct buf *b, char type, char field);

/* A value of the n-th row, or the name of a column; in static memory, "NULL" for null. */
const char *said_value(const struct buf *b, size_t row, size_t column);
const char *said_column(const struct buf *b, size_t column);
size_t said_columns(const struct buf *b);
size_t said_rows(const struct buf *b);

/* The names of all columns, between blanks. */
const char *said_names(const struct buf *b);

/* ---- a snapshot of a configuration and users ------------------------------------------------ */

void setup_make(struct setup *setup, const char *conf, const char *users);
void setup_drop(struct setup *setup);

#endif
