/*
 * calls.c - the table of known names, searched.
 */
#include "sql/calls.h"

#include <stdint.h>

#include "base/bug.h"

struct calls_row {
	const char *name;
	uint8_t len;
	uint8_t kind;
};

#define X(kind_, name_) { .name = #name_, .len = sizeof(#name_) - 1, .kind = CALLS_##kind_ },
static const struct calls_row rows[] = {
#include "sql/calls.def"
};
#undef X

static int order(const struct calls_row *row, struct slice name)
{
	if (row->len != name.len)
		return row->len < name.len ? -1 : 1;
	return memcmp(row->name, name.ptr, name.len);
}

enum calls_kind calls_find(struct slice name)
{
	size_t low = 0, high = COUNT_OF(rows);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = order(&rows[middle], name);
		if (c == 0)
			return (enum calls_kind)rows[middle].kind;
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return CALLS_NONE;
}

static bool is_plain(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || c == '_';
		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return name.len > 0;
}

bool calls_needs_quotes(struct slice name)
{
	if (!is_plain(name))
		return true;
	enum calls_kind kind = calls_find(name);
	return kind == CALLS_WORD || kind == CALLS_BOTH || kind == CALLS_TYPE;
}
