/*
 * authtalk.c - auth_query over the wire: Parse, Bind, Describe, Execute, Sync, and what comes back.
 *
 * That the user's name is no text in the server's encoding means that there is no such user; any
 * other error is the operator's to mend.
 */
#include "proxy/authtalk.h"

#include <stdio.h>
#include <string.h>

#include "auth/authrow.h"
#include "auth/secret.h"
#include "base/mem.h"
#include "proxy/connector_talk.h"
#include "wire/build.h"
#include "wire/notice.h"

#define AUTHTALK_ROWS 2 /* one is wanted; a second one is a fault */

/* What has come so far. */
struct authtalk_reply {
	struct authrow row;
	struct buf names, values; /* what row's slices point into; values are secret */
	unsigned rows;
	bool is_described, is_malformed, is_ready;
	bool has_error, is_fatal;
	char sqlstate[6];
};

static void authtalk_end(struct authtalk *t, enum authtalk_outcome outcome, const char *text)
{
	t->outcome = outcome;
	snprintf(t->text, sizeof(t->text), "%s", text);
}

static bool authtalk_send(struct authtalk *t, struct connector_talk *talk)
{
	const struct slice user = slice_of(t->user);
	struct buf out = { 0 };
	build_parse(&out, SLICE(""), slice_of(t->sql), NULL, 0);
	build_bind(&out, SLICE(""), SLICE(""), &user, 1);
	build_describe(&out, 'P', SLICE(""));
	build_execute(&out, SLICE(""), AUTHTALK_ROWS);
	build_sync(&out);
	enum connector_talk_status status = buf_failed(&out)
						    ? CONNECTOR_TALK_MALFORMED
						    : connector_talk_send(talk, buf_slice(&out));
	buf_fini(&out);
	if (status != CONNECTOR_TALK_OK)
		authtalk_end(t, AUTHTALK_LOST, connector_talk_text(status));
	return status == CONNECTOR_TALK_OK;
}

static void authtalk_take_error(struct authtalk *t, struct authtalk_reply *r, struct slice body)
{
	if (r->has_error)
		return;
	r->has_error = true;
	r->is_fatal = notice_is_fatal(body);
	notice_sqlstate(body, r->sqlstate);
	snprintf(t->text, sizeof(t->text), "%s: %.*s", r->sqlstate,
		 SLICE_ARGS(slice_head(notice_get(body, NOTICE_MESSAGE), 400)));
}

static void authtalk_take_row(struct authtalk_reply *r, struct slice body)
{
	if (r->rows++ > 0)
		return;
	buf_add_slice(&r->values, body);
	if (!r->is_described || !authrow_read_values(&r->row, buf_slice(&r->values)))
		r->is_malformed = true;
}

/* False: what came cannot be. */
static bool authtalk_take(struct authtalk *t, struct authtalk_reply *r, const struct frame *f)
{
	switch (f->type) {
	case 'T':
		if (r->is_described)
			return false;
		buf_add_slice(&r->names, f->body);
		r->is_described = true;
		return authrow_read_names(&r->row, buf_slice(&r->names));
	case 'D':
		authtalk_take_row(r, f->body);
		return !r->is_malformed;
	case 'E':
		authtalk_take_error(t, r, f->body);
		return true;
	case 'Z':
		r->is_ready = true;
		return f->body.len == 1 && f->body.ptr[0] == 'I';
	case '1': /* parsed */
	case '2': /* bound */
	case 'n': /* no columns: authrow will say so */
	case 'C': /* done */
	case 's': /* suspended: there are more rows */
	case 'I': /* an empty query */
	case 'S':
	case 'N':
	case 'A':
		return true;
	default:
		return false;
	}
}

/* Up to ReadyForQuery. False: the connection is lost, or of no use. */
static bool authtalk_receive(struct authtalk *t, struct authtalk_reply *r,
			     struct connector_talk *talk)
{
	struct frame f;
	while (!r->is_ready && !r->is_fatal) {
		enum connector_talk_status status = connector_talk_next(talk, &f);
		if (status == CONNECTOR_TALK_TIMEOUT) {
			authtalk_end(t, AUTHTALK_USELESS, "auth_query took too long");
			return false;
		}
		if (status != CONNECTOR_TALK_OK) {
			authtalk_end(t, AUTHTALK_LOST, connector_talk_text(status));
			return false;
		}
		if (!authtalk_take(t, r, &f)) {
			authtalk_end(t, AUTHTALK_USELESS,
				     "auth_query is answered by what is no result");
			return false;
		}
	}
	t->outcome = AUTHTALK_LOST; /* of a FATAL; its text is there */
	return !r->is_fatal;
}

static bool authtalk_is_no_name(const char *sqlstate)
{
	return strcmp(sqlstate, "22021") == 0 || strcmp(sqlstate, "22P05") == 0;
}

static void authtalk_judge(struct authtalk *t, const struct authtalk_reply *r)
{
	usec_t wall = usec_wall(), until;
	struct slice secret;
	const char *why;

	if (r->has_error) {
		t->outcome = authtalk_is_no_name(r->sqlstate) ? AUTHTALK_NOBODY : AUTHTALK_USELESS;
		return;
	}
	if (!r->is_described) {
		authtalk_end(t, AUTHTALK_USELESS, "auth_query is no query that gives rows");
		return;
	}
	if (r->rows != 1) {
		authtalk_end(t, AUTHTALK_NOBODY,
			     r->rows ? "auth_query gave several rows: one is wanted" : "");
		return;
	}
	switch (authrow_judge(&r->row, slice_of(t->user), wall, &secret, &until, &why)) {
	case AUTHROW_USER:
		t->secret = secret_new(secret);
		if (secret_is_doubtful(t->secret)) { /* not to be taken for a password */
			secret_unref(t->secret);
			t->secret = NULL;
			authtalk_end(
				t, AUTHTALK_NOBODY,
				"auth_query gave a secret that begins like md5 or SCRAM's and is "
				"neither");
			break;
		}
		t->lasts = until == USEC_NEVER ? USEC_NEVER : until - wall;
		authtalk_end(t, AUTHTALK_USER, "");
		break;
	case AUTHROW_NOBODY:
		authtalk_end(t, AUTHTALK_NOBODY, why);
		break;
	case AUTHROW_MALFORMED:
		authtalk_end(t, AUTHTALK_USELESS, why);
		break;
	}
}

static void authtalk_run(struct helper_job *job)
{
	struct authtalk *t = CONTAINER_OF(job, struct authtalk, job);
	struct authtalk_reply r = { .row.count = 0 };
	struct connector_talk talk;

	connector_talk_init(&talk, job, t->link->fd, t->link->ssl);
	t->is_over = true;
	if (authtalk_send(t, &talk) && authtalk_receive(t, &r, &talk)) {
		t->is_over = connector_talk_has_more(&talk);
		authtalk_judge(t, &r);
	}
	connector_talk_fini(&talk);
	if (r.values.data)
		mem_wipe(r.values.data, r.values.cap);
	buf_fini(&r.values);
	buf_fini(&r.names);
}

bool authtalk_submit(struct authtalk *t, struct helper_crew *crew, struct mailbox *box)
{
	t->outcome = AUTHTALK_LOST; /* should it never be run */
	t->is_over = false;
	t->secret = NULL;
	t->text[0] = '\0';
	t->job.run = authtalk_run;
	return helper_submit(crew, &t->job, box);
}
