/*
 * share.h - how many of a number: "12", or "80%" of it.
 *
 * Thread: any.
 */
#ifndef CONF_SHARE_H
#define CONF_SHARE_H

#include <stdbool.h>

#include "base/slice.h"

bool share_is_valid(struct slice text);

/* So many of `all`; a percentage is rounded up. -1: no bound, which 0 stands for, and which a
 * percentage comes to where `all` is -1. The text is valid. */
int share_of(struct slice text, int all);

#endif
