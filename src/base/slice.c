/*
 * slice.c - comparing and trimming views of bytes.
 */
#include "base/slice.h"

#include <strings.h>

#include "base/mem.h"

bool slice_eq_str(struct slice a, const char *str)
{
	return slice_eq(a, slice_of(str));
}

bool slice_ieq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_ieq_str(struct slice a, const char *str)
{
	return slice_ieq(a, slice_of(str));
}

static bool slice_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
	while (s.len > 0 && slice_is_blank(s.ptr[0]))
		s = slice_skip(s, 1);
	while (s.len > 0 && slice_is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

char *slice_dup(struct slice s)
{
	char *copy = mem_alloc(s.len + 1);
	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}
