/*
 * startup.c - the packets before the first typed message, and the words of `options`.
 */
#include "wire/startup.h"

#include "wire/reader.h"

#define PACKET_MIN_BYTES 8u

static int startup_cancel(struct slice body, struct startup *out)
{
	struct reader r;
	reader_init(&r, body);
	uint32_t pid = reader_u32(&r);
	struct slice key = reader_rest(&r);
	if (key.len < STARTUP_KEY_MIN_BYTES || key.len > STARTUP_KEY_MAX_BYTES)
		return STARTUP_BAD_CANCEL;
	out->kind = STARTUP_CANCEL;
	out->cancel_pid = pid;
	out->cancel_key = key;
	return 0;
}

/* Pairs of strings, then one zero byte, then nothing. */
static int startup_params(struct slice body, struct startup *out)
{
	struct reader r;
	reader_init(&r, body);
	while (reader_cstr(&r).len > 0)
		reader_cstr(&r);
	if (!reader_is_done(&r))
		return STARTUP_BAD_PARAMS;
	out->kind = STARTUP_MESSAGE;
	out->params = slice_head(body, body.len - 1);
	return 0;
}

static int startup_body(uint32_t code, struct slice body, struct startup *out)
{
	*out = (struct startup){ .major = (uint16_t)(code >> 16), .minor = (uint16_t)code };
	if (code == STARTUP_CODE_CANCEL)
		return startup_cancel(body, out);
	if (code == STARTUP_CODE_SSL || code == STARTUP_CODE_GSSENC) {
		out->kind = code == STARTUP_CODE_SSL ? STARTUP_SSL : STARTUP_GSSENC;
		return body.len == 0 ? 0 : STARTUP_BAD_LENGTH;
	}
	if (out->major == 3)
		return startup_params(body, out);
	out->kind = STARTUP_UNKNOWN_VERSION;
	return 0;
}

int startup_read(struct slice in, struct startup *out)
{
	struct reader r;
	reader_init(&r, in);
	uint32_t length = reader_u32(&r);
	if (reader_failed(&r))
		return 0;
	if (length < PACKET_MIN_BYTES || length > STARTUP_MAX_BYTES)
		return STARTUP_BAD_LENGTH;
	if (in.len < length)
		return 0;
	uint32_t code = reader_u32(&r);
	int error = startup_body(code, reader_bytes(&r, length - PACKET_MIN_BYTES), out);
	return error ? error : (int)length;
}

const char *startup_error_text(int error)
{
	switch ((enum startup_error)error) {
	case STARTUP_BAD_LENGTH:
		return "invalid length of startup packet";
	case STARTUP_BAD_PARAMS:
		return "expected terminator as last byte";
	case STARTUP_BAD_CANCEL:
		return "invalid length of cancel request";
	}
	return "unknown fault";
}

bool startup_next(struct slice *params, struct slice *name, struct slice *value)
{
	struct reader r;
	reader_init(&r, *params);
	*name = reader_cstr(&r);
	*value = reader_cstr(&r);
	*params = r.rest;
	return !reader_failed(&r);
}

bool startup_get(const struct startup *s, const char *name, struct slice *value)
{
	struct slice params = s->params, n, v;
	bool found = false;

	while (startup_next(&params, &n, &v)) {
		if (slice_eq_str(n, name)) {
			*value = v;
			found = true;
		}
	}
	return found;
}

/* ---- the words of `options` --------------------------------------------------------- */

static bool startup_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

void startup_options_init(struct startup_options *it, struct slice value)
{
	*it = (struct startup_options){ .rest = value };
	buf_init(&it->word, STARTUP_MAX_BYTES);
}

void startup_options_fini(struct startup_options *it)
{
	buf_fini(&it->word);
}

/* Puts the next word into it->word. */
static bool startup_word(struct startup_options *it)
{
	buf_clear(&it->word);
	while (it->rest.len > 0 && startup_is_space(it->rest.ptr[0]))
		it->rest = slice_skip(it->rest, 1);
	if (it->rest.len == 0)
		return false;
	while (it->rest.len > 0 && !startup_is_space(it->rest.ptr[0])) {
		if (it->rest.ptr[0] == '\\') {
			it->rest = slice_skip(it->rest, 1);
			if (it->rest.len == 0)
				break;
		}
		buf_u8(&it->word, (uint8_t)it->rest.ptr[0]);
		it->rest = slice_skip(it->rest, 1);
	}
	return !buf_failed(&it->word);
}

/* name=value, its name's '-' made '_' where it stands, as PostgreSQL does. */
static bool startup_setting(struct startup_options *it, size_t skip, struct startup_option *out)
{
	struct slice s = slice_skip(buf_slice(&it->word), skip);
	const char *eq = s.len ? memchr(s.ptr, '=', s.len) : NULL;
	if (!eq || eq == s.ptr)
		return false;
	size_t name_len = (size_t)(eq - s.ptr);
	char *name = it->word.data + it->word.start + skip;
	for (size_t i = 0; i < name_len; i++)
		if (name[i] == '-')
			name[i] = '_';
	out->is_setting = true;
	out->name = slice_head(s, name_len);
	out->value = slice_skip(s, name_len + 1);
	return true;
}

/* `-c` alone: the setting is the next word. Without one, `-c` itself is what is left. */
static void startup_detached(struct startup_options *it, struct startup_option *out)
{
	if (!startup_word(it))
		*out = (struct startup_option){ .name = SLICE("-c") };
	else if (!startup_setting(it, 0, out))
		*out = (struct startup_option){ .name = buf_slice(&it->word) };
}

bool startup_options_next(struct startup_options *it, struct startup_option *out)
{
	*out = (struct startup_option){ .is_setting = false };
	if (!startup_word(it))
		return false;
	struct slice word = buf_slice(&it->word);
	if (slice_eq_str(word, "-c")) {
		startup_detached(it, out);
		return true;
	}
	if ((slice_starts(word, "-c") || slice_starts(word, "--")) && startup_setting(it, 2, out))
		return true;
	out->name = word;
	return true;
}
