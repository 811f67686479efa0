/*
 * record.c - the record's way into the ring and out of it.
 *
 * In the ring a record is the struct itself (both ends are the same program) followed by its
 * strings; a slice's pointer means nothing there, and its length says how much of what follows is
 * its.
 */
#include "tap/record.h"

#include <string.h>

#define RECORD_SLICES(X) X(database) X(user) X(client) X(application_name) X(texts)

#define RECORD_FLAG_WORD_(flag, word) [RECORD_BIT_##flag] = word,
static const char *const flag_words[] = { RECORD_FLAGS(RECORD_FLAG_WORD_) };

#define RECORD_PROTOCOL_NAME_(protocol, name) [RECORD_##protocol] = name,
static const char *const protocol_names[] = { RECORD_PROTOCOLS(RECORD_PROTOCOL_NAME_) };

const char *record_flag_word(enum record_flag_bit bit)
{
	BUG_ON(bit >= RECORD_FLAG_COUNT);
	return flag_words[bit];
}

const char *record_protocol_name(enum record_protocol protocol)
{
	BUG_ON(protocol >= RECORD_PROTOCOL_COUNT);
	return protocol_names[protocol];
}

static char *put_slice(char *to, struct slice s)
{
	if (s.len > 0)
		memcpy(to, s.ptr, s.len);
	return to + s.len;
}

enum ring_pushed record_push(struct tap_ring *ring, const struct tap_record *record)
{
	struct tap_record r = *record;
	r.database = slice_head(r.database, RECORD_NAME_MAX_BYTES);
	r.user = slice_head(r.user, RECORD_NAME_MAX_BYTES);
	r.client = slice_head(r.client, RECORD_NAME_MAX_BYTES);
	r.application_name = slice_head(r.application_name, RECORD_NAME_MAX_BYTES);
	size_t bytes = sizeof(r);
#define RECORD_ADD_(name) bytes += r.name.len;
	RECORD_SLICES(RECORD_ADD_)
#undef RECORD_ADD_
	char *to = ring_reserve(ring, bytes);
	if (!to)
		return RING_DROPPED;
	memcpy(to, &r, sizeof(r));
	to += sizeof(r);
#define RECORD_PUT_(name) to = put_slice(to, r.name);
	RECORD_SLICES(RECORD_PUT_)
#undef RECORD_PUT_
	return ring_commit(ring);
}

static bool take_slice(struct slice *rest, struct slice *out)
{
	if (out->len > rest->len)
		return false;
	*out = slice_head(*rest, out->len);
	*rest = slice_skip(*rest, out->len);
	return true;
}

bool record_decode(struct slice bytes, struct tap_record *out)
{
	if (bytes.len < sizeof(*out))
		return false;
	memcpy(out, bytes.ptr, sizeof(*out));
	struct slice rest = slice_skip(bytes, sizeof(*out));
	bool whole = out->protocol < RECORD_PROTOCOL_COUNT;
#define RECORD_TAKE_(name) whole = whole && take_slice(&rest, &out->name);
	RECORD_SLICES(RECORD_TAKE_)
#undef RECORD_TAKE_
	out->sqlstate[sizeof(out->sqlstate) - 1] = '\0';
	return whole && rest.len == 0;
}
