/*
 * slice.h - a view of bytes that somebody else owns.
 *
 * A slice is passed by value and dies when its buffer is consumed. It is not
 * terminated by a zero byte and may contain any byte.
 *
 * Thread: any.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *ptr;
	size_t len;
};

#define SLICE(literal) ((struct slice){ .ptr = (literal), .len = sizeof(literal) - 1 })
#define SLICE_NONE ((struct slice){ .ptr = NULL, .len = 0 })
#define SLICE_ARGS(s) (int)(s).len, (s).ptr /* for "%.*s" */

static inline struct slice slice_of(const char *str)
{
	return (struct slice){ .ptr = str, .len = str ? strlen(str) : 0 };
}

static inline struct slice slice_make(const void *ptr, size_t len)
{
	return (struct slice){ .ptr = (const char *)ptr, .len = len };
}

/* What is left after the first n bytes; n may not be more than there are. */
static inline struct slice slice_skip(struct slice s, size_t n)
{
	return (struct slice){ .ptr = s.ptr + n, .len = s.len - n };
}

/* The first n bytes, or all where there are fewer. */
static inline struct slice slice_head(struct slice s, size_t n)
{
	return (struct slice){ .ptr = s.ptr, .len = n < s.len ? n : s.len };
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool slice_starts(struct slice a, const char *prefix)
{
	size_t n = strlen(prefix);
	return a.len >= n && memcmp(a.ptr, prefix, n) == 0;
}

bool slice_eq_str(struct slice a, const char *str);
bool slice_ieq(struct slice a, struct slice b); /* ASCII letters in either case */
bool slice_ieq_str(struct slice a, const char *str);
struct slice slice_trim(struct slice s); /* blanks, tabs and line ends off both ends */

/* A copy with a terminating zero, owned by the caller (free). Dies out of memory. */
char *slice_dup(struct slice s);

#endif
