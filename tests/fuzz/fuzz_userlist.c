/*
 * fuzz_userlist.c - any text as a userlist.txt.
 *
 * What was read is written down again, doubled quotes and all, and must then be read as the
 * same users with the same secrets, without a fault.
 */
#include <stdint.h>
#include <stdlib.h>

#include "auth/userlist.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_report {
	unsigned faults;
};

static void on_report(void *arg, bool is_fault, unsigned line, const char *text)
{
	struct fuzz_report *r = arg;
	BUG_ON(line == 0 || *text == '\0');
	r->faults += is_fault;
}

static void add_quoted(struct buf *b, struct slice s)
{
	buf_u8(b, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"')
			buf_u8(b, '"');
		buf_u8(b, (uint8_t)s.ptr[i]);
	}
	buf_u8(b, '"');
}

static void write_and_read(const struct userlist *u)
{
	struct buf text = { 0 };
	struct fuzz_report r = { 0 };
	for (size_t i = 0; i < userlist_count(u); i++) {
		add_quoted(&text, userlist_name_at(u, i));
		buf_u8(&text, ' ');
		add_quoted(&text, secret_text(userlist_secret_at(u, i)));
		buf_u8(&text, '\n');
	}
	struct userlist *again = userlist_parse(buf_slice(&text), u, on_report, &r);
	BUG_ON(!again || r.faults || userlist_count(again) != userlist_count(u));
	for (size_t i = 0; i < userlist_count(u); i++)
		BUG_ON(userlist_get(again, userlist_name_at(u, i)) != userlist_secret_at(u, i));
	userlist_unref(again);
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_report r = { 0 };
	struct userlist *u = userlist_parse(slice_make(data, size), NULL, on_report, &r);
	BUG_ON((u == NULL) != (r.faults > 0));
	if (!u)
		return 0;
	write_and_read(u);
	userlist_unref(u);
	return 0;
}
