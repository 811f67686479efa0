/*
 * manual.h - what there is on the console, in words: from the tables that it works by.
 *
 * Owns nothing. Thread: any.
 */
#ifndef ADMIN_MANUAL_H
#define ADMIN_MANUAL_H

#include "base/buf.h"

void manual_help(struct buf *out); /* SHOW HELP's */
void manual_roff(struct buf *out); /* a part of the manual, in man(7)'s macros */

#endif
