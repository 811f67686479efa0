/*
 * connector_fault.c - reading error texts.
 *
 * libpq's are lines, `connection to server at "HOST" ..., port N failed: WHY`, one for each address
 * that was tried.
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

static const char *connector_fault_last(const char *text, const char *what)
{
	const char *found = NULL;
	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		found = at;
	return found;
}

void connector_fault_from_libpq(struct connector_fault *f, const char *text)
{
	if (strncmp(text, "invalid ", 8) == 0) {
		connector_fault_set(f, CONNECTOR_FAULT_OPTIONS, "08001", "");
		connector_fault_copy(f->message, slice_of(text));
	} else {
		const char *why = connector_fault_last(text, CONNECTOR_FAULT_FAILED);
		why = why ? why + strlen(CONNECTOR_FAULT_FAILED) : text;
		connector_fault_set(f, CONNECTOR_FAULT_UNREACHABLE, "08006", "");
		snprintf(f->message, sizeof(f->message), "connection to the server failed: %.*s",
			 (int)strcspn(why, "\n"), why);
	}
	connector_fault_log(f, slice_of(text));
}

void connector_fault_from_server(struct connector_fault *f, struct slice body)
{
	char code[6];
	notice_sqlstate(body, code);
	connector_fault_set(f, CONNECTOR_FAULT_SERVER, code, "");
	f->is_quoted = true;
	connector_fault_copy(f->message, notice_get(body, NOTICE_MESSAGE));
	if (!*f->message)
		connector_fault_copy(f->message, SLICE("the server refused without a word"));
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

void connector_fault_broken(struct connector_fault *f, const struct connector_talk *t,
			    enum connector_talk_status status)
{
	struct buf line = { 0 };
	connector_fault_from_talk(f, status);
	if (status != CONNECTOR_TALK_BROKEN || !*t->why)
		return;
	buf_addf(&line, "%s: %s", f->message, t->why);
	connector_fault_copy(f->message, buf_slice(&line));
	connector_fault_log(f, buf_slice(&line));
	buf_fini(&line);
}

void connector_fault_after(struct connector_fault *f, const struct connector_fault *earlier)
{
	struct buf line = { 0 };
	if (earlier->kind == CONNECTOR_FAULT_NONE)
		return;
	buf_addf(&line, "%s; %s", earlier->log, f->log);
	if (earlier->kind == CONNECTOR_FAULT_SERVER && f->kind != CONNECTOR_FAULT_SERVER &&
	    f->kind != CONNECTOR_FAULT_CANCELLED)
		*f = *earlier;
	connector_fault_log(f, buf_slice(&line));
	buf_fini(&line);
}

void connector_fault_set(struct connector_fault *f, enum connector_fault_kind kind,
			 const char *sqlstate, const char *message)
{
	*f = (struct connector_fault){ .kind = kind };
	snprintf(f->sqlstate, sizeof(f->sqlstate), "%s", sqlstate);
	snprintf(f->message, sizeof(f->message), "%s", message);
	snprintf(f->log, sizeof(f->log), "%s", message);
}

void connector_fault_about(struct connector_fault *f, const char *whom, const char *host)
{
	struct buf line = { 0 };
	bool says_server = !f->is_quoted && strncmp(f->log, "connection to server", 20) == 0;
	if (!*whom || (says_server && (!host || strstr(f->log, host))))
		return;
	buf_addf(&line, "%s: %s", whom, f->log);
	connector_fault_log(f, buf_slice(&line));
	buf_fini(&line);
}
