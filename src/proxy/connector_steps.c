/*
 * connector_steps.c - the server's words from 'R' to 'Z', read by ourselves.
 *
 *	asked --R--> proving --R...--> known --S, K, N--> 'Z': idle
 */
#include "proxy/connector_steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/connector_cancel.h"
#include "proxy/connector_fault.h"
#include "wire/build.h"
#include "wire/notice.h"
#include "wire/reader.h"

#define CONNECTOR_STEPS_MAX_PARAMS 200
#define CONNECTOR_STEPS_LOGIN_BYTES                                                                \
	(1u << 20) /* what a server may say at a login; it says some 500 */

/* ---- parameters ------------------------------------------------------------------------ */

void connector_steps_param(struct connector_link *link, struct slice name, struct slice value)
{
	for (size_t i = 0; i < link->param_count; i++) {
		if (slice_eq_str(name, link->params[i].name)) {
			free(link->params[i].value);
			link->params[i].value = slice_dup(value);
			return;
		}
	}
	if (link->param_count >= CONNECTOR_STEPS_MAX_PARAMS)
		return;
	link->params = mem_realloc(link->params, (link->param_count + 1) * sizeof(*link->params));
	link->params[link->param_count++] =
		(struct connector_param){ .name = slice_dup(name), .value = slice_dup(value) };
}

int connector_steps_version(const char *text)
{
	char *end;
	long part[3] = { 0 };
	for (int i = 0; i < 3; i++) {
		part[i] = strtol(text, &end, 10);
		if (end == text || part[i] < 0 || part[i] > 999)
			return 0;
		if (*end != '.')
			break;
		text = end + 1;
	}
	return (int)(part[0] >= 10 ? part[0] * 10000 + part[1]
				   : part[0] * 10000 + part[1] * 100 + part[2]);
}

static bool connector_steps_take_param(struct connector_link *link, struct slice body,
				       struct connector_fault *fault)
{
	struct reader r;
	reader_init(&r, body);
	struct slice name = reader_cstr(&r), value = reader_cstr(&r);
	if (!reader_is_done(&r)) {
		connector_fault_from_talk(fault, CONNECTOR_TALK_MALFORMED);
		return false;
	}
	connector_steps_param(link, name, value);
	return true;
}

static bool connector_steps_take_key(struct connector_link *link, struct slice body, int fd,
				     struct connector_fault *fault)
{
	struct reader r;
	reader_init(&r, body);
	uint32_t pid = reader_u32(&r);
	struct slice key = reader_rest(&r);
	if (reader_failed(&r) || link->cancel) {
		connector_fault_from_talk(fault, CONNECTOR_TALK_MALFORMED);
		return false;
	}
	link->backend_pid = (int)pid;
	link->cancel = connector_cancel_new(fd, pid, key);
	return true;
}

/* What may come at any time. False: the connection is of no use, *fault says why. */
static bool connector_steps_take(struct connector_link *link, const struct connector_talk *talk,
				 const struct frame *f, struct connector_fault *fault)
{
	switch (f->type) {
	case 'S':
		return connector_steps_take_param(link, f->body, fault);
	case 'K':
		return connector_steps_take_key(link, f->body, talk->fd, fault);
	case 'N':
		LOG_DEBUG("while logging in the server says: %.*s",
			  SLICE_ARGS(notice_get(f->body, NOTICE_MESSAGE)));
		return true;
	case 'A':
		return true;
	case 'E':
		connector_fault_from_server(fault, f->body);
		return false;
	default:
		connector_fault_from_talk(fault, CONNECTOR_TALK_MALFORMED);
		return false;
	}
}

static bool connector_steps_next(struct connector_talk *talk, struct frame *f,
				 struct connector_fault *fault)
{
	enum connector_talk_status status = connector_talk_next(talk, f);
	if (status != CONNECTOR_TALK_OK)
		connector_fault_broken(fault, talk, status);
	return status == CONNECTOR_TALK_OK;
}

/* ---- who we are -------------------------------------------------------------------------------
 */

static bool connector_steps_send(struct connector_talk *talk, const struct buf *out,
				 struct connector_fault *fault)
{
	if (buf_failed(out)) {
		connector_fault_set(fault, CONNECTOR_FAULT_UNREACHABLE, "53200", "out of memory");
		return false;
	}
	enum connector_talk_status sent = connector_talk_send(talk, buf_slice(out));
	if (sent != CONNECTOR_TALK_OK)
		connector_fault_broken(fault, talk, sent);
	return sent == CONNECTOR_TALK_OK;
}

/* One 'R', and the answer to it, which may have the password in it. */
static bool connector_steps_prove(struct connector_exchange *x, struct connector_talk *talk,
				  struct slice body, struct connector_fault *fault)
{
	struct buf out = { 0 };
	bool ok = connector_exchange_step(x, body, &out, fault) &&
		  connector_steps_send(talk, &out, fault);
	if (out.data)
		mem_wipe(out.data, out.cap);
	buf_fini(&out);
	return ok;
}

/* A postmaster that cannot start a backend says so as in protocol 2: 'E', text, zero. */
static void connector_steps_old_error(const struct connector_talk *talk,
				      struct connector_fault *fault)
{
	struct slice rest = connector_talk_rest(talk);
	if (rest.len < 2 || rest.ptr[0] != 'E')
		return;
	struct slice text = slice_skip(rest, 1);
	size_t n = strnlen(text.ptr, text.len);
	char line[CONNECTOR_TEXT_BYTES];
	snprintf(line, sizeof(line), "%.*s", (int)(n < sizeof(line) ? n : sizeof(line) - 1),
		 text.ptr);
	line[strcspn(line, "\r\n")] = '\0';
	connector_fault_set(fault, CONNECTOR_FAULT_UNREACHABLE, "08006", line);
}

static bool connector_steps_authenticate(struct connector_exchange *x, struct connector_talk *talk,
					 struct connector_link *link, struct connector_fault *fault)
{
	struct frame f;
	while (!x->known) {
		if (!connector_steps_next(talk, &f, fault)) {
			if (!x->asked)
				connector_steps_old_error(talk, fault);
			return false;
		}
		if (f.type == 'R') {
			if (!connector_steps_prove(x, talk, f.body, fault))
				return false;
		} else if (f.type == 'S' || f.type == 'K') {
			connector_fault_from_talk(fault, CONNECTOR_TALK_MALFORMED);
			return false;
		} else if (!connector_steps_take(link, talk, &f, fault)) {
			return false;
		}
	}
	return true;
}

/* Is it idle? Nothing else is ready for a client. */
static bool connector_steps_is_idle(const struct frame *f, struct connector_fault *fault)
{
	if (f->body.len == 1 && f->body.ptr[0] == 'I')
		return true;
	connector_fault_from_talk(fault, CONNECTOR_TALK_MALFORMED);
	return false;
}

/* Up to 'Z', and to the end of what came with it. */
static bool connector_steps_until_ready(struct connector_link *link, struct connector_talk *talk,
					struct connector_fault *fault)
{
	struct frame f;
	bool ready = false;
	while (!ready || connector_talk_has_more(talk)) {
		if (!connector_steps_next(talk, &f, fault))
			return false;
		if (f.type == 'Z' && connector_steps_is_idle(&f, fault))
			ready = true;
		else if (f.type == 'Z' || !connector_steps_take(link, talk, &f, fault))
			return false;
	}
	return true;
}

bool connector_steps_login(struct connector_link *link, struct connector_talk *talk,
			   const struct connector_proof *proof, const struct connector_terms *terms,
			   struct connector_fault *fault)
{
	struct connector_exchange x = { .proof = proof, .terms = terms, .ssl = talk->ssl };
	connector_talk_limit(talk, CONNECTOR_STEPS_LOGIN_BYTES);
	bool ok = connector_steps_authenticate(&x, talk, link, fault) &&
		  connector_steps_until_ready(link, talk, fault);
	connector_talk_limit(talk, SIZE_MAX);
	connector_exchange_fini(&x);
	fault->is_refusal = !ok && fault->is_quoted && !x.known;
	const char *version = connector_param(link, "server_version");
	link->server_version = version ? connector_steps_version(version) : 0;
	link->has_proved = ok && x.proved;
	if (ok && !link->cancel)
		link->cancel = connector_cancel_new(talk->fd, 0, SLICE_NONE);
	return ok;
}

/* ---- what the session is ------------------------------------------------------------------------
 */

/* The first byte of each value of a row that has as many. */
static bool connector_steps_row(struct slice body, char *first, int columns)
{
	struct reader r;
	reader_init(&r, body);
	if (reader_u16(&r) != columns)
		return false;
	for (int i = 0; i < columns; i++) {
		struct slice value = reader_bytes(&r, reader_u32(&r));
		if (reader_failed(&r) || value.len == 0)
			return false;
		first[i] = value.ptr[0];
	}
	return reader_is_done(&r);
}

/* One message of the answer. */
static bool connector_steps_hear_role(struct connector_link *link, struct connector_talk *talk,
				      const struct frame *f, char said[2],
				      struct connector_fault *fault)
{
	switch (f->type) {
	case 'T':
	case 'C':
		return true;
	case 'D':
		if (connector_steps_row(f->body, said, 2))
			return true;
		connector_fault_from_talk(fault, CONNECTOR_TALK_MALFORMED);
		return false;
	case 'Z':
		return connector_steps_is_idle(f, fault);
	default:
		return connector_steps_take(link, talk, f, fault);
	}
}

/* A server that does not report it is asked. */
static bool connector_steps_ask_role(struct connector_link *link, struct connector_talk *talk,
				     struct connector_role *role, struct connector_fault *fault)
{
	struct frame f = { 0 };
	struct buf query = { 0 };
	char said[2] = { 0 }; /* 't' or 'f' */
	bool ready = false;
	build_query(&query, SLICE("SELECT pg_catalog.pg_is_in_recovery(), "
				  "pg_catalog.current_setting('transaction_read_only')::bool"));
	bool ok = connector_steps_send(talk, &query, fault);
	buf_fini(&query);
	while (ok && (!ready || connector_talk_has_more(talk))) {
		ok = connector_steps_next(talk, &f, fault) &&
		     connector_steps_hear_role(link, talk, &f, said, fault);
		ready = ready || f.type == 'Z';
	}
	if (ok && !said[0]) {
		connector_fault_from_talk(fault, CONNECTOR_TALK_MALFORMED);
		return false;
	}
	role->is_standby = said[0] == 't';
	role->is_read_only = said[1] == 't';
	return ok;
}

bool connector_steps_role(struct connector_link *link, struct connector_talk *talk,
			  struct connector_role *role, struct connector_fault *fault)
{
	const char *standby = connector_param(link, "in_hot_standby");
	const char *read_only = connector_param(link, "default_transaction_read_only");
	if (!standby || !read_only)
		return connector_steps_ask_role(link, talk, role, fault);
	role->is_standby = strcmp(standby, "on") == 0;
	role->is_read_only = strcmp(read_only, "on") == 0;
	return true;
}

/* ---- connect_query -------------------------------------------------------------------------- */

static void connector_steps_complain(const struct connector_link *link, struct slice body)
{
	char code[6];
	notice_sqlstate(body, code);
	LOG_WARNING("server pid %d: connect_query failed: %s: %.*s", link->backend_pid, code,
		    SLICE_ARGS(notice_get(body, NOTICE_MESSAGE)));
}

bool connector_steps_query(struct connector_link *link, struct connector_talk *talk,
			   const char *sql, struct connector_fault *fault)
{
	struct buf query = { 0 };
	struct frame f;
	bool ready = false, done = false;
	build_query(&query, slice_of(sql));
	bool sent = connector_steps_send(talk, &query, fault);
	buf_fini(&query);
	if (!sent)
		return false;
	while (!done) {
		if (!connector_steps_next(talk, &f, fault))
			return false;
		if (f.type == 'Z')
			ready = f.body.len == 1 && f.body.ptr[0] == 'I';
		else if (f.type == 'E' && notice_is_fatal(f.body))
			return connector_steps_take(link, talk, &f, fault);
		else if (f.type == 'E')
			connector_steps_complain(link, f.body);
		else if (f.type == 'S' && !connector_steps_take(link, talk, &f, fault))
			return false;
		else if (f.type == 'G' || f.type == 'W')
			break;
		done = f.type == 'Z' && !connector_talk_has_more(talk);
	}
	if (ready)
		return true;
	connector_fault_set(fault, CONNECTOR_FAULT_UNREACHABLE, "08006",
			    "connect_query leaves the session in a transaction or in a copy");
	return false;
}
