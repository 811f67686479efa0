/*
 * mention.h - settings of somebody's own (my.tenant) that code in a string mentions.
 *
 * What a DO sets cannot be read, but the names that it sets are nearly always there in plain
 * letters: behind SET, or at the beginning of a string. More are found than are set, which costs a
 * question; a name that is put together at run time is not found.
 *
 * Thread: any.
 */
#ifndef SQL_MENTION_H
#define SQL_MENTION_H

#include <stdbool.h>

#include "base/slice.h"

/* The next one in `rest`, which is taken off it. False: there is none any more. */
bool mention_next(struct slice *rest, struct slice *name);

#endif
