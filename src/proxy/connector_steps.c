/*
 * connector_steps.c - the server's words from 'R' to 'Z', read by ourselves.
 *
 *	asked --R--> proving --R...--> known --S, K, N--> 'Z': idle
 */
#include "proxy/connector_steps.h"

#include <stdlib.h>
#include <string.h>

#include "auth/scram_client.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/connector_cancel.h"
#include "proxy/connector_fault.h"
#include "wire/build.h"
#include "wire/notice.h"
#include "wire/reader.h"

#define CONNECTOR_STEPS_MAX_PARAMS 200

enum { CONNECTOR_STEPS_AUTH_OK = 0, CONNECTOR_STEPS_AUTH_SASL = 10 };

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
	link->cancel = connector_cancel_new(fd, pid, key, NULL);
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
	case 'A':
	case 'v':
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
		connector_fault_from_talk(fault, status);
	return status == CONNECTOR_TALK_OK;
}

/* ---- SCRAM from keys ---------------------------------------------------------------------- */

static uint32_t connector_steps_auth_code(const struct frame *f)
{
	struct reader r;
	reader_init(&r, f->body);
	return reader_u32(&r);
}

/* One 'R' of the exchange. True: go on (*known: it is over). */
static bool connector_steps_prove(struct scram_client *scram, struct connector_talk *talk,
				  const struct frame *f, bool *known, struct connector_fault *fault)
{
	struct buf out;
	buf_init(&out, 0);
	enum scram_client_status status = scram_client_step(scram, f->body, &out);
	enum connector_talk_status sent = CONNECTOR_TALK_OK;
	if (status != SCRAM_CLIENT_FAILED)
		sent = connector_talk_send(talk, buf_slice(&out));
	buf_fini(&out);
	*known = status == SCRAM_CLIENT_DONE;
	if (status == SCRAM_CLIENT_FAILED)
		connector_fault_set(fault, CONNECTOR_FAULT_UNREACHABLE, "08006",
				    scram_client_reason(scram));
	else if (sent != CONNECTOR_TALK_OK)
		connector_fault_from_talk(fault, sent);
	return status != SCRAM_CLIENT_FAILED && sent == CONNECTOR_TALK_OK;
}

/* A server that trusts, or asks for what keys cannot answer, says so with its first 'R'. */
static bool connector_steps_first(const struct frame *f, bool *known, struct connector_fault *fault)
{
	uint32_t code = connector_steps_auth_code(f);
	*known = code == CONNECTOR_STEPS_AUTH_OK && f->body.len == 4;
	if (*known || code == CONNECTOR_STEPS_AUTH_SASL)
		return true;
	connector_fault_set(fault, CONNECTOR_FAULT_SERVER, "28000",
			    "the server asks for a password, and only SCRAM keys are known");
	return false;
}

static bool connector_steps_authenticate(struct scram_client *scram, struct connector_link *link,
					 struct connector_talk *talk, struct connector_fault *fault)
{
	struct frame f;
	bool known = false, first = true;
	while (!known) {
		if (!connector_steps_next(talk, &f, fault))
			return false;
		if (f.type != 'R') {
			if (f.type == 'S' || f.type == 'K') {
				connector_fault_from_talk(fault, CONNECTOR_TALK_MALFORMED);
				return false;
			}
			if (!connector_steps_take(link, talk, &f, fault))
				return false;
			continue;
		}
		if (first && !connector_steps_first(&f, &known, fault))
			return false;
		first = false;
		if (!known && !connector_steps_prove(scram, talk, &f, &known, fault))
			return false;
	}
	return true;
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
		if (f.type == 'Z')
			ready = true;
		else if (!connector_steps_take(link, talk, &f, fault))
			return false;
	}
	return true;
}

bool connector_steps_scram(struct connector_link *link, struct connector_talk *talk,
			   const struct scram_keys *keys, struct connector_fault *fault)
{
	struct scram_client *scram = scram_client_new_keys(keys, NULL);
	if (!scram) {
		connector_fault_set(fault, CONNECTOR_FAULT_UNREACHABLE, "08006",
				    "no randomness for the SCRAM exchange");
		return false;
	}
	bool ok = connector_steps_authenticate(scram, link, talk, fault) &&
		  connector_steps_until_ready(link, talk, fault);
	scram_client_free(scram);
	const char *version = connector_param(link, "server_version");
	link->server_version = version ? connector_steps_version(version) : 0;
	if (ok && !link->cancel)
		link->cancel = connector_cancel_new(talk->fd, 0, SLICE_NONE, NULL);
	return ok;
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
	struct buf query;
	struct frame f;
	bool ready = false, done = false;
	buf_init(&query, 0);
	build_query(&query, slice_of(sql));
	enum connector_talk_status sent = connector_talk_send(talk, buf_slice(&query));
	buf_fini(&query);
	if (sent != CONNECTOR_TALK_OK) {
		connector_fault_from_talk(fault, sent);
		return false;
	}
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
