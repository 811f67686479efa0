/*
 * connector_steps.c - the server's words from 'R' to 'Z', read by ourselves.
 *
 *	asked --R--> proving --R...--> known --S, K, N--> 'Z': idle
 */
#include "proxy/connector_steps.h"

#include <stdlib.h>
#include <string.h>

#include "auth/md5.h"
#include "auth/scram_client.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/tls.h"
#include "proxy/connector_cancel.h"
#include "proxy/connector_fault.h"
#include "wire/build.h"
#include "wire/notice.h"
#include "wire/reader.h"

#define CONNECTOR_STEPS_MAX_PARAMS 200

enum {
	CONNECTOR_STEPS_AUTH_OK = 0,
	CONNECTOR_STEPS_AUTH_MD5 = 5,
	CONNECTOR_STEPS_AUTH_SASL = 10,
};

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

/* ---- who we are, without the password ------------------------------------------------------ */

struct connector_steps_exchange {
	const struct connector_proof *proof; /* not owned, nor is the talk */
	struct connector_talk *talk;
	struct scram_client *scram; /* owned; NULL until the server asks for SCRAM */
	bool asked;                 /* the first 'R' has come */
	bool known;                 /* the server knows us: it is over */
};

/* Under TLS the proof is bound to the server's certificate, where that is possible. */
static void connector_steps_bind(const struct connector_steps_exchange *x)
{
	uint8_t end_point[TLS_END_POINT_BYTES];
	size_t n = 0;
	_Static_assert(TLS_END_POINT_BYTES <= SCRAM_MAX_BINDING_BYTES, "a hash does not fit");
	if (x->talk->ssl && x->proof->binds)
		n = tls_server_end_point(x->talk->ssl, end_point);
	scram_client_bind(x->scram, slice_make(end_point, n), x->proof->demands_binding);
}

/* A server that trusts, or asks for what our proof is not of, says so with its first 'R'. NULL:
 * nothing is lacking. */
static const char *connector_steps_lack(const struct connector_proof *proof, uint32_t code)
{
	if (code == CONNECTOR_STEPS_AUTH_SASL)
		return proof->has_keys ? NULL
				       : "the server asks for SCRAM, and an md5 secret cannot be "
					 "used for that";
	if (code == CONNECTOR_STEPS_AUTH_MD5 && proof->has_md5)
		return NULL;
	return proof->has_keys ? "the server asks for a password, and only SCRAM keys are known"
			       : "the server asks for a password, and only an md5 secret is known";
}

static bool connector_steps_send(struct connector_talk *talk, const struct buf *out,
				 struct connector_fault *fault)
{
	enum connector_talk_status sent = connector_talk_send(talk, buf_slice(out));
	if (sent != CONNECTOR_TALK_OK)
		connector_fault_from_talk(fault, sent);
	return sent == CONNECTOR_TALK_OK;
}

static bool connector_steps_scram(struct connector_steps_exchange *x, struct slice body,
				  struct connector_fault *fault)
{
	if (!x->scram) {
		x->scram = scram_client_new_keys(&x->proof->keys, NULL);
		connector_steps_bind(x);
	}
	struct buf out = { 0 };
	enum scram_client_status status = scram_client_step(x->scram, body, &out);
	bool ok = status != SCRAM_CLIENT_FAILED;
	x->known = status == SCRAM_CLIENT_DONE;
	if (ok)
		ok = connector_steps_send(x->talk, &out, fault);
	else
		connector_fault_set(fault, CONNECTOR_FAULT_UNREACHABLE, "08006",
				    scram_client_reason(x->scram));
	buf_fini(&out);
	return ok;
}

static bool connector_steps_md5(struct connector_steps_exchange *x, struct slice body,
				struct connector_fault *fault)
{
	char answer[MD5_ANSWER_BYTES + 1];
	if (body.len != 4 + MD5_SALT_BYTES) {
		connector_fault_from_talk(fault, CONNECTOR_TALK_MALFORMED);
		return false;
	}
	if (!md5_answer(x->proof->md5, (const uint8_t *)body.ptr + 4, answer)) {
		connector_fault_set(fault, CONNECTOR_FAULT_UNREACHABLE, "08006",
				    "the server asks for md5, which OpenSSL will not do here");
		return false;
	}
	struct buf out = { 0 };
	build_password(&out, slice_of(answer));
	bool ok = connector_steps_send(x->talk, &out, fault);
	buf_fini(&out);
	return ok;
}

/* One 'R'. True: go on. */
static bool connector_steps_prove(struct connector_steps_exchange *x, struct slice body,
				  struct connector_fault *fault)
{
	struct reader r;
	reader_init(&r, body);
	uint32_t code = reader_u32(&r);
	bool is_first = !x->asked;

	x->asked = true;
	if (x->scram)
		return connector_steps_scram(x, body, fault);
	if (x->proof->demands_binding && code != CONNECTOR_STEPS_AUTH_SASL) {
		connector_fault_set(fault, CONNECTOR_FAULT_SERVER, "28000",
				    "channel binding is demanded, and the server does not ask for "
				    "SCRAM");
		return false;
	}
	if (code == CONNECTOR_STEPS_AUTH_OK || !is_first) {
		x->known = code == CONNECTOR_STEPS_AUTH_OK && body.len == 4;
		if (!x->known)
			connector_fault_from_talk(fault, CONNECTOR_TALK_MALFORMED);
		return x->known;
	}
	const char *lack = connector_steps_lack(x->proof, code);
	if (lack) {
		connector_fault_set(fault, CONNECTOR_FAULT_SERVER, "28000", lack);
		return false;
	}
	return code == CONNECTOR_STEPS_AUTH_SASL ? connector_steps_scram(x, body, fault)
						 : connector_steps_md5(x, body, fault);
}

static bool connector_steps_authenticate(struct connector_steps_exchange *x,
					 struct connector_link *link, struct connector_fault *fault)
{
	struct frame f;
	while (!x->known) {
		if (!connector_steps_next(x->talk, &f, fault))
			return false;
		if (f.type == 'R') {
			if (!connector_steps_prove(x, f.body, fault))
				return false;
		} else if (f.type == 'S' || f.type == 'K') {
			connector_fault_from_talk(fault, CONNECTOR_TALK_MALFORMED);
			return false;
		} else if (!connector_steps_take(link, x->talk, &f, fault)) {
			return false;
		}
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

bool connector_steps_login(struct connector_link *link, struct connector_talk *talk,
			   const struct connector_proof *proof, struct connector_fault *fault)
{
	struct connector_steps_exchange x = { .proof = proof, .talk = talk };
	bool ok = connector_steps_authenticate(&x, link, fault) &&
		  connector_steps_until_ready(link, talk, fault);
	scram_client_free(x.scram);
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
