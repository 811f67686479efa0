/*
 * fuzz_ident.c - a line of three strings (map, system name, user), then any text as an ident file.
 *
 * What was read is written down again, and must then allow the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "auth/ident.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_report(void *arg, bool is_fault, const char *file, unsigned line, const char *text)
{
	BUG_ON(*file == '\0' || line == 0 || *text == '\0');
	*(unsigned *)arg += is_fault;
}

/* What stands before the next such byte, off the front. */
static struct slice take(struct slice *text, char by)
{
	const char *at = text->len ? memchr(text->ptr, by, text->len) : NULL;
	size_t n = at ? (size_t)(at - text->ptr) : text->len;
	struct slice before = slice_head(*text, n);
	*text = slice_skip(*text, at ? n + 1 : n);
	return before;
}

static struct ident *write_and_read(const struct ident *d)
{
	struct buf text = { 0 };
	unsigned faults = 0;
	for (size_t i = 0; i < ident_count(d); i++) {
		ident_describe(d, i, &text);
		buf_u8(&text, '\n');
	}
	struct ident *again = ident_parse(buf_slice(&text), "again", on_report, &faults);
	BUG_ON(!again || faults || ident_count(again) != ident_count(d));
	buf_fini(&text);
	return again;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned faults = 0;
	struct slice text = slice_make(data, size), first = take(&text, '\n');
	char *map = slice_dup(take(&first, ' '));
	struct slice system = take(&first, ' '), user = first;
	struct ident *d = ident_parse(text, "ident", on_report, &faults);
	BUG_ON((d == NULL) != (faults > 0));
	bool is_same = slice_eq(system, user) && user.len > 0;
	BUG_ON(ident_allows(d, "", system, user) != is_same);
	if (d) {
		struct ident *again = write_and_read(d);
		bool is_allowed = ident_allows(d, map, system, user);
		BUG_ON(ident_allows(again, map, system, user) != is_allowed);
		BUG_ON(is_allowed && *map && !ident_has_map(d, map));
		ident_unref(again);
	}
	ident_unref(d);
	free(map);
	return 0;
}
