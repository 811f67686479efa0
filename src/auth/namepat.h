/*
 * namepat.h - /regex words of HBA and ident files, held against names.
 *
 * Of PostgreSQL's regular expressions those that mean the same to the C library's extended ones:
 * . ^ $ | ( ) * + ? {m,n}, [sets] with classes, \d \s \w \D \S \W, and a backslash in front
 * of punctuation. All else (non-greedy, lookahead, back references, options, other escapes) is
 * refused, so that what is accepted means what it means there. Letters are ASCII's, and other
 * characters count as their bytes. Sizes are bounded.
 *
 * One owner; immutable once made.
 *
 * Thread: any.
 */
#ifndef AUTH_NAMEPAT_H
#define AUTH_NAMEPAT_H

#include <stddef.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/slice.h"

#define NAMEPAT_MAX_BYTES 1024      /* of the expression */
#define NAMEPAT_MAX_NAME_BYTES 1023 /* longer names: NAMEPAT_ERROR */

enum namepat_result { NAMEPAT_NO, NAMEPAT_YES, NAMEPAT_ERROR /* nobody can say: refuse */ };

struct namepat;

/* The expression without its slash; NULL: err says what is wrong with it. */
struct namepat *namepat_new(const char *regex, struct err *err) MUST_CHECK;
void namepat_free(struct namepat *p); /* NULL does nothing */

/* *group (may be NULL) gets what the first ( ) took; ptr NULL where it took nothing. */
enum namepat_result namepat_match(const struct namepat *p, struct slice name,
				  struct slice *group) MUST_CHECK;

size_t namepat_groups(const struct namepat *p); /* how many ( ) there are */

#endif
