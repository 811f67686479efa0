/*
 * texts.c - statements, one behind the other in a buffer:
 *
 *   kind 1 | cut 1 | times 4 | length 4 | text
 */
#include "tap/texts.h"

#include <string.h>

#define ENTRY_BYTES 10
#define ENTRY_CUT 1 /* offsets */
#define ENTRY_TIMES 2
#define ENTRY_LENGTH 6

#define TEXTS_KIND_NAME_(kind, name) [TEXTS_##kind] = name,
static const char *const kind_names[] = { TEXTS_KINDS(TEXTS_KIND_NAME_) };

const char *texts_kind_name(enum texts_kind kind)
{
	BUG_ON(kind >= TEXTS_KIND_COUNT);
	return kind_names[kind];
}

void texts_clear(struct tap_texts *texts)
{
	buf_clear(&texts->bytes);
	texts->last = 0;
	texts->entries = texts->left_out = texts->unrun_count = 0;
}

void texts_release(struct tap_texts *texts)
{
	buf_release(&texts->bytes);
	texts_clear(texts);
}

struct slice texts_slice(const struct tap_texts *texts)
{
	return buf_slice(&texts->bytes);
}

static uint32_t get_u32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;
	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

bool texts_next(struct slice *bytes, struct tap_text *out)
{
	if (bytes->len < ENTRY_BYTES || (unsigned char)bytes->ptr[0] >= TEXTS_KIND_COUNT)
		return false;
	uint32_t length = get_u32(bytes->ptr + ENTRY_LENGTH);
	if (length > bytes->len - ENTRY_BYTES)
		return false;
	*out = (struct tap_text){
		.kind = (enum texts_kind)bytes->ptr[0],
		.times = get_u32(bytes->ptr + ENTRY_TIMES),
		.cut = bytes->ptr[ENTRY_CUT] != 0,
		.text = slice_make(bytes->ptr + ENTRY_BYTES, length),
	};
	*bytes = slice_skip(*bytes, ENTRY_BYTES + length);
	return true;
}

/* Is the entry about this text? One that is cut is about any with that head. */
static bool is_same(const struct tap_text *have, struct slice text)
{
	if (have->cut && text.len > have->text.len)
		text.len = have->text.len;
	return slice_eq(have->text, text);
}

static struct tap_text entry_at(const struct tap_texts *texts, size_t at)
{
	struct slice rest = slice_skip(texts_slice(texts), at);
	struct tap_text have = { 0 };
	BUG_ON(!texts_next(&rest, &have));
	return have;
}

static void forget_unrun(struct tap_texts *texts, uint32_t i)
{
	texts->unrun_count--;
	memmove(&texts->unrun[i], &texts->unrun[i + 1],
		(texts->unrun_count - i) * sizeof(texts->unrun[0]));
}

static bool count_entry(struct tap_texts *texts, size_t at, struct slice text)
{
	struct tap_text have = entry_at(texts, at);
	if (have.times == UINT32_MAX || !is_same(&have, text))
		return false;
	buf_put_u32(&texts->bytes, at + ENTRY_TIMES, have.times + 1);
	return true;
}

/* An Execute of what the last entry is about, or of what this batch has parsed and not run yet. */
static bool count_again(struct tap_texts *texts, struct slice text)
{
	for (uint32_t i = 0; i < texts->unrun_count; i++) {
		if (count_entry(texts, texts->unrun[i], text)) {
			forget_unrun(texts, i);
			return true;
		}
	}
	if (texts->entries == 0)
		return false;
	enum texts_kind kind = entry_at(texts, texts->last).kind;
	return (kind == TEXTS_PARSE || kind == TEXTS_EXECUTE) &&
	       count_entry(texts, texts->last, text);
}

static void append(struct tap_texts *texts, enum texts_kind kind, struct slice text, bool cut)
{
	size_t used = buf_len(&texts->bytes);
	size_t room = used < TEXTS_ALL_MAX_BYTES ? TEXTS_ALL_MAX_BYTES - used : 0;
	if (room <= ENTRY_BYTES) {
		texts->left_out++;
		return;
	}
	struct slice kept = slice_head(text, TEXTS_ONE_MAX_BYTES - 1);
	kept = slice_head(kept, room - ENTRY_BYTES);
	if (!buf_reserve(&texts->bytes, ENTRY_BYTES + kept.len)) {
		texts->left_out++;
		return;
	}
	buf_u8(&texts->bytes, (uint8_t)kind);
	buf_u8(&texts->bytes, cut || kept.len < text.len);
	buf_u32(&texts->bytes, kind == TEXTS_PARSE ? 0 : 1);
	buf_u32(&texts->bytes, (uint32_t)kept.len);
	buf_add_slice(&texts->bytes, kept);
	texts->last = used;
	texts->entries++;
	if (kind != TEXTS_PARSE)
		return;
	if (texts->unrun_count == TEXTS_UNRUN)
		forget_unrun(texts, 0);
	texts->unrun[texts->unrun_count++] = (uint32_t)used;
}

void texts_add(struct tap_texts *texts, enum texts_kind kind, struct slice text)
{
	if (kind != TEXTS_EXECUTE || !count_again(texts, text))
		append(texts, kind, text, false);
}

void texts_add_head(struct tap_texts *texts, enum texts_kind kind, struct slice head)
{
	if (kind != TEXTS_EXECUTE || !count_again(texts, head))
		append(texts, kind, head, true);
}
