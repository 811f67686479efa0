/*
 * connector_fault.c - reading error texts.
 *
 * libpq gives an error of the server's as text alone. Its form, verbose, in any language of the
 * server's: `connection to server at "HOST" ..., port N failed: FATAL:  28P01: MESSAGE`, then
 * lines `DETAIL:  ...`, `HINT:  ...` (libpq's own words, which we never have translated), then
 * `LOCATION:  ...`. Where several hosts were tried their texts follow one another.
 */
#include "proxy/connector_fault.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "wire/notice.h"

#define CONNECTOR_FAULT_FAILED " failed: "

static void connector_fault_copy(char out[CONNECTOR_TEXT_BYTES], struct slice text)
{
	snprintf(out, CONNECTOR_TEXT_BYTES, "%.*s", SLICE_ARGS(slice_trim(text)));
}

/* One line for the log, whatever came. */
static void connector_fault_log(struct connector_fault *f, struct slice text)
{
	connector_fault_copy(f->log, text);
	for (char *c = f->log; *c; c++) {
		if (*c == '\n' || *c == '\t' || *c == '\r')
			*c = ' ';
	}
}

static bool connector_fault_is_sqlstate(const char *s)
{
	for (int i = 0; i < 5; i++) {
		if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'A' && s[i] <= 'Z')))
			return false;
	}
	return true;
}

/* With sslmode=prefer a wrong password over TLS is followed by a try without, which the server
 * may not allow at all: the password is what somebody has to hear of. */
static bool connector_fault_is_afterthought(const char *before, const char *state)
{
	return before && strncmp(before + 3, "28P01", 5) == 0 &&
	       strncmp(state + 3, "28000", 5) == 0;
}

/* Where the last ":  SQLSTATE: " begins, or NULL. */
static const char *connector_fault_find_state(const char *text)
{
	const char *found = NULL;
	for (const char *at = strstr(text, ":  "); at; at = strstr(at + 3, ":  ")) {
		if (strlen(at) >= 10 && connector_fault_is_sqlstate(at + 3) && at[8] == ':' &&
		    at[9] == ' ' && !connector_fault_is_afterthought(found, at))
			found = at;
	}
	return found;
}

/* The text behind a "\nLABEL:  " up to the next label that libpq puts behind it. */
static struct slice connector_fault_section(const char *text, const char *label)
{
	static const char *const ends[] = { "\nDETAIL:  ",   "\nHINT:  ",      "\nCONTEXT:  ",
					    "\nLOCATION:  ", "\nSTATEMENT:  ", "\nconnection to " };
	const char *from = *label ? strstr(text, label) : text;
	if (!from)
		return SLICE_NONE;
	from += strlen(label);
	size_t n = strlen(from);
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		const char *end = strstr(from, ends[i]);
		if (end && (size_t)(end - from) < n)
			n = (size_t)(end - from);
	}
	return slice_make(from, n);
}

/* Text without the lines that say where in the server's source it was. */
static void connector_fault_log_libpq(struct connector_fault *f, const char *text)
{
	const char *location = strstr(text, "\nLOCATION:  ");
	size_t n = location ? (size_t)(location - text) : strlen(text);
	connector_fault_log(f, slice_make(text, n));
}

static const char *connector_fault_last(const char *text, const char *what)
{
	const char *found = NULL;
	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		found = at;
	return found;
}

void connector_fault_from_libpq(struct connector_fault *f, const char *text)
{
	const char *state = connector_fault_find_state(text);
	if (state) {
		char code[6] = { 0 };
		memcpy(code, state + 3, 5);
		connector_fault_set(f, CONNECTOR_FAULT_SERVER, code, "");
		connector_fault_copy(f->message, connector_fault_section(state + 10, ""));
		connector_fault_copy(f->detail, connector_fault_section(state, "\nDETAIL:  "));
		connector_fault_copy(f->hint, connector_fault_section(state, "\nHINT:  "));
	} else if (strncmp(text, "invalid ", 8) == 0) {
		connector_fault_set(f, CONNECTOR_FAULT_OPTIONS, "08001", "");
		connector_fault_copy(f->message, slice_of(text));
	} else {
		const char *why = connector_fault_last(text, CONNECTOR_FAULT_FAILED);
		why = why ? why + strlen(CONNECTOR_FAULT_FAILED) : text;
		connector_fault_set(f, CONNECTOR_FAULT_UNREACHABLE, "08006", "");
		snprintf(f->message, sizeof(f->message), "connection to the server failed: %.*s",
			 (int)strcspn(why, "\n"), why);
	}
	connector_fault_log_libpq(f, text);
}

void connector_fault_from_server(struct connector_fault *f, struct slice body)
{
	char code[6];
	notice_sqlstate(body, code);
	connector_fault_set(f, CONNECTOR_FAULT_SERVER, code, "");
	connector_fault_copy(f->message, notice_get(body, NOTICE_MESSAGE));
	connector_fault_copy(f->detail, notice_get(body, NOTICE_DETAIL));
	connector_fault_copy(f->hint, notice_get(body, NOTICE_HINT));
	connector_fault_log(f, slice_of(f->message));
}

void connector_fault_from_talk(struct connector_fault *f, enum connector_talk_status status)
{
	enum connector_fault_kind kind = CONNECTOR_FAULT_UNREACHABLE;
	if (status == CONNECTOR_TALK_TIMEOUT)
		kind = CONNECTOR_FAULT_TIMEOUT;
	else if (status == CONNECTOR_TALK_CANCELLED)
		kind = CONNECTOR_FAULT_CANCELLED;
	connector_fault_set(f, kind, "08006", connector_talk_text(status));
}

void connector_fault_set(struct connector_fault *f, enum connector_fault_kind kind,
			 const char *sqlstate, const char *message)
{
	*f = (struct connector_fault){ .kind = kind };
	snprintf(f->sqlstate, sizeof(f->sqlstate), "%s", sqlstate);
	snprintf(f->message, sizeof(f->message), "%s", message);
	snprintf(f->log, sizeof(f->log), "%s", message);
}

void connector_fault_about(struct connector_fault *f, const char *whom)
{
	struct buf line = { 0 };
	if (!*whom || strncmp(f->log, "connection to server", 20) == 0)
		return;
	buf_addf(&line, "%s: %s", whom, f->log);
	connector_fault_log(f, buf_slice(&line));
	buf_fini(&line);
}
