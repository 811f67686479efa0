/*
 * tag.c - taking a command tag apart.
 */
#include "wire/tag.h"

#include <string.h>

static bool tag_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The number behind the last blank; false where it is none, or too big to be one. */
static bool tag_rows(struct slice text, uint64_t *rows)
{
	size_t from = text.len;
	while (from > 0 && tag_is_digit(text.ptr[from - 1]))
		from--;
	if (from == text.len || from == 0 || text.ptr[from - 1] != ' ')
		return false;
	uint64_t n = 0;
	for (size_t i = from; i < text.len; i++) {
		if (__builtin_mul_overflow(n, (uint64_t)10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(text.ptr[i] - '0'), &n))
			return false;
	}
	*rows = n;
	return true;
}

struct tag tag_read(struct slice body)
{
	const char *zero = body.len ? memchr(body.ptr, '\0', body.len) : NULL;
	struct tag tag = { .text = zero ? slice_head(body, (size_t)(zero - body.ptr)) : body };
	const char *blank = tag.text.len ? memchr(tag.text.ptr, ' ', tag.text.len) : NULL;

	tag.word = blank ? slice_head(tag.text, (size_t)(blank - tag.text.ptr)) : tag.text;
	tag.has_rows = tag_rows(tag.text, &tag.rows);
	return tag;
}
