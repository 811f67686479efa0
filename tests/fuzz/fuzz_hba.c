/*
 * fuzz_hba.c - any text as an HBA file.
 *
 * What was read is written down again, and must then be read as the same rules. A few
 * connections are held against it, with names taken from the text: a rule that is met must be
 * one of them, and both files must agree on which.
 */
#include <stdint.h>
#include <stdlib.h>

#include "auth/hba.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_report(void *arg, bool is_fault, const char *file, unsigned line, const char *text)
{
	BUG_ON(*file == '\0' || line == 0 || *text == '\0');
	*(unsigned *)arg += is_fault;
}

static void write_rules(const struct hba *h, struct buf *out)
{
	for (size_t i = 0; i < hba_count(h); i++) {
		hba_describe(hba_rule_at(h, i), out);
		buf_u8(out, '\n');
	}
}

/* By its place: lines differ between the two. */
static size_t place(const struct hba *h, const struct hba_rule *rule)
{
	for (size_t i = 0; i < hba_count(h); i++)
		if (rule == hba_rule_at(h, i))
			return i;
	BUG_ON(rule);
	return SIZE_MAX;
}

static void match(const struct hba *a, const struct hba *b, struct slice name)
{
	static const uint8_t ip[16] = { 10, 0, 0, 1 };
	struct addr from[] = { addr_of_v4(ip, 1), addr_of_v6(ip, 1), { .kind = ADDR_UNIX } };
	for (unsigned i = 0; i < 12; i++) {
		struct hba_query q = { .addr = from[i % 3],
				       .is_tls = i & 4,
				       .is_replication = i & 8,
				       .database = name,
				       .user = i & 4 ? name : SLICE("joe") };
		BUG_ON(place(a, hba_match(a, &q)) != place(b, hba_match(b, &q)));
	}
}

static void write_and_read(const struct hba *h, struct slice name)
{
	struct buf text = { 0 }, again_text = { 0 };
	unsigned faults = 0;
	write_rules(h, &text);
	struct hba *again = hba_parse(buf_slice(&text), "again", on_report, &faults);
	BUG_ON(!again || faults || hba_count(again) != hba_count(h));
	write_rules(again, &again_text);
	BUG_ON(!slice_eq(buf_slice(&text), buf_slice(&again_text)));
	match(h, again, name);
	hba_unref(again);
	buf_fini(&text);
	buf_fini(&again_text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned faults = 0;
	struct slice text = slice_make(data, size);
	struct hba *h = hba_parse(text, "hba", on_report, &faults);
	BUG_ON((h == NULL) != (faults > 0));
	if (!h)
		return 0;
	write_and_read(h, slice_head(slice_skip(text, size / 2), 8));
	hba_unref(h);
	return 0;
}
