/*
 * err.h - why something that was asked for could not be done, in words for the operator.
 *
 * Set-up and administrative code returns bool and fills a struct err that the caller
 * owns. What a client is told on the wire is another matter: wire/errors.def.
 *
 * Thread: any.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#include "base/bug.h"

#define ERR_TEXT_BYTES 1024

struct err {
	char text[ERR_TEXT_BYTES]; /* "" when nothing is wrong; cut where it would not fit */
};

/* Writes the text and returns false, so that `return err_set(err, ...)` reads well. */
bool err_set(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts a prefix ("reading FILE: ") in front of what is there; returns false. */
bool err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
