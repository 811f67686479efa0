/*
 * notice.c - looking for a field among those of an error or a notice; and telling it on.
 */
#include "wire/notice.h"

#include <string.h>

#include "wire/build.h"
#include "wire/reader.h"

#define SQLSTATE_BYTES 5

struct slice notice_get(struct slice body, char field)
{
	struct reader r;
	reader_init(&r, body);
	for (;;) {
		char code = (char)reader_u8(&r);
		if (code == '\0')
			return SLICE_NONE; /* the terminator, or nothing there */
		struct slice value = reader_cstr(&r);
		if (reader_failed(&r))
			return SLICE_NONE;
		if (code == field)
			return value;
	}
}

bool notice_is_fatal(struct slice body)
{
	struct slice severity = notice_get(body, NOTICE_SEVERITY_EN);
	if (!severity.ptr)
		severity = notice_get(body, NOTICE_SEVERITY);
	return slice_eq_str(severity, "FATAL") || slice_eq_str(severity, "PANIC");
}

static bool notice_is_sqlstate(struct slice s)
{
	if (s.len != SQLSTATE_BYTES)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')))
			return false;
	}
	return true;
}

bool notice_is(struct slice body, const char *sqlstate)
{
	return slice_eq_str(notice_get(body, NOTICE_SQLSTATE), sqlstate);
}

bool notice_is_stale_plan(struct slice body)
{
	return slice_eq_str(notice_get(body, NOTICE_ROUTINE), NOTICE_STALE_PLAN_ROUTINE) &&
	       notice_is(body, "0A000");
}

void notice_sqlstate(struct slice body, char out[6])
{
	struct slice s = notice_get(body, NOTICE_SQLSTATE);
	if (!notice_is_sqlstate(s))
		s = SLICE("XX000");
	memcpy(out, s.ptr, SQLSTATE_BYTES);
	out[SQLSTATE_BYTES] = '\0';
}

static void notice_add(struct buf *out, char field, struct slice value)
{
	if (!value.ptr)
		return;
	buf_u8(out, (uint8_t)field);
	build_text(out, value);
}

void notice_retell(struct slice body, const char *severity, struct buf *out)
{
	char sqlstate[SQLSTATE_BYTES + 1];
	struct slice message = notice_get(body, NOTICE_MESSAGE);

	notice_sqlstate(body, sqlstate);
	size_t at = build_begin(out, 'E');
	notice_add(out, NOTICE_SEVERITY, slice_of(severity));
	notice_add(out, NOTICE_SEVERITY_EN, slice_of(severity));
	notice_add(out, NOTICE_SQLSTATE, slice_of(sqlstate));
	notice_add(out, NOTICE_MESSAGE, message.ptr ? message : SLICE("(no message)"));
	notice_add(out, NOTICE_DETAIL, notice_get(body, NOTICE_DETAIL));
	notice_add(out, NOTICE_HINT, notice_get(body, NOTICE_HINT));
	buf_u8(out, 0);
	build_end(out, at);
}

void notice_replace(char type, struct slice body, char field, struct slice value, struct buf *out)
{
	struct reader r;
	reader_init(&r, body);
	size_t at = build_begin(out, type);
	for (;;) {
		char code = (char)reader_u8(&r);
		struct slice text = code ? reader_cstr(&r) : SLICE_NONE;
		if (!code || reader_failed(&r))
			break;
		notice_add(out, code, code == field ? value : text);
	}
	buf_u8(out, 0);
	build_end(out, at);
}
