/*
 * manual.h - what there is on the console, and why clients keep servers, in words: from the tables
 * that it works by.
 *
 * Owns nothing. Thread: any.
 */
#ifndef ADMIN_MANUAL_H
#define ADMIN_MANUAL_H

#include "base/buf.h"

void manual_help(struct buf *out); /* SHOW HELP's */

/* Parts of the manual, in man(7)'s macros: the console's commands; what keeps a server. */
void manual_roff(struct buf *out);
void manual_roff_keeps(struct buf *out);

#endif
