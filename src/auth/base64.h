/*
 * base64.h - RFC 4648 base64, strictly: no blanks, full padding, no stray bits.
 *
 * Thread: any.
 */
#ifndef AUTH_BASE64_H
#define AUTH_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/bug.h"
#include "base/slice.h"

#define BASE64_TEXT_BYTES(n) (((n) + 2) / 3 * 4) /* without a zero */

/* Writes the text and a zero: BASE64_TEXT_BYTES(n) + 1 bytes. Returns the text's length. */
size_t base64_encode(const void *data, size_t n, char *text);

/* Returns how many bytes were written, or -1: not base64, or more than `max` bytes. */
ssize_t base64_decode(struct slice text, void *data, size_t max) MUST_CHECK;

#endif
