/*
 * fuzz_frame.c - any bytes as messages of a client's or a server's, and what is read in them.
 *
 * The first byte chooses the side and the limit. A head must say the same however much of the
 * message is there; nothing that is found may lie outside of it.
 */
#include <stdint.h>

#include "base/bug.h"
#include "wire/frame.h"
#include "wire/notice.h"
#include "wire/reader.h"
#include "wire/tag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct slice inner, struct slice outer)
{
	BUG_ON(inner.ptr &&
	       (inner.ptr < outer.ptr || inner.ptr + inner.len > outer.ptr + outer.len));
}

static void check_notice(struct slice body)
{
	char state[6];

	for (int c = 0; c < 256; c++)
		check_within(notice_get(body, (char)c), body);
	notice_sqlstate(body, state);
	BUG_ON(strlen(state) != 5);
	BUG_ON(notice_is_fatal(body) && !notice_get(body, NOTICE_SEVERITY).ptr &&
	       !notice_get(body, NOTICE_SEVERITY_EN).ptr);
}

static void check_tag(struct slice body)
{
	struct tag tag = tag_read(body);

	check_within(tag.text, body);
	check_within(tag.word, tag.text);
	BUG_ON(tag.text.len > 0 && memchr(tag.text.ptr, '\0', tag.text.len));
	BUG_ON(tag.has_rows && tag.text.len < 2);
}

/* Reads a body as its own bytes say, in any order of kinds. */
static void check_reader(struct slice body)
{
	struct reader r;
	reader_init(&r, body);
	while (!reader_failed(&r) && !reader_is_done(&r)) {
		size_t before = r.rest.len;
		switch (reader_u8(&r) % 6) {
		case 0:
			reader_u16(&r);
			break;
		case 1:
			reader_u32(&r);
			break;
		case 2:
			check_within(reader_cstr(&r), body);
			break;
		case 3:
			check_within(reader_value(&r), body);
			break;
		case 4:
			check_within(reader_bytes(&r, reader_u8(&r)), body);
			break;
		case 5:
			break;
		}
		BUG_ON(!reader_failed(&r) && r.rest.len >= before);
	}
}

static void check_heads(struct slice in, uint32_t max, const struct frame *whole, int rc)
{
	for (size_t n = 0; n < in.len && n < 16; n++) {
		struct frame f;
		int part = frame_read(slice_head(in, n), max, &f);
		BUG_ON(n < FRAME_HEAD_BYTES ? part != 0 : part != rc);
		BUG_ON(part > 0 && (f.type != whole->type || f.body_bytes != whole->body_bytes));
		BUG_ON(part > 0 && f.body.len > n - FRAME_HEAD_BYTES);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	enum frame_from from = data[0] & 1 ? FRAME_FROM_SERVER : FRAME_FROM_CLIENT;
	uint32_t limit = data[0] & 2 ? UINT32_MAX : 1000;
	struct slice in = slice_make(data + 1, size - 1);

	while (in.len > 0) {
		struct frame f;
		uint32_t max = frame_max_body(from, in.ptr[0], limit);
		int rc = frame_read(in, max, &f);
		check_heads(in, max, &f, rc);
		if (rc <= 0)
			break;
		BUG_ON(f.body_bytes > max || f.body.len > f.body_bytes);
		check_within(f.body, in);
		check_notice(f.body);
		check_tag(f.body);
		check_reader(f.body);
		if (!frame_is_whole(&f))
			break;
		in = slice_skip(in, frame_bytes(&f));
	}
	return 0;
}
