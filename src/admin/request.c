/*
 * request.c - the life of a command.
 */
#include "admin/request.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/inner.h"
#include "admin/session.h"
#include "base/mem.h"

struct request *request_new(struct session *session)
{
	struct request *r = mem_zalloc(sizeof(*r));
	char peer[ADDR_TEXT_BYTES];
	r->admin = session->admin;
	r->session = session;
	r->order = session->talk.order;
	r->is_admin = session->talk.is_admin;
	wheel_init_timer(&r->timer, NULL);
	answer_init(&r->answer, order_rule(r->order.id)->sheet, session->talk.binary);
	snprintf(r->who, sizeof(r->who), "%s@%s", session->user, addr_text(&session->peer, peer));
	list_push_back(&r->admin->requests, &r->link);
	return r;
}

void request_done(struct request *r, usec_t now)
{
	struct session *session = r->session;
	list_remove(&r->link);
	if (session)
		session_answer(session, &r->answer, now);
	answer_fini(&r->answer);
	free(r);
}

void request_forget_session(struct request *r)
{
	r->session = NULL;
}

void request_forget_admin(struct request *r)
{
	r->admin = NULL;
	r->session = NULL;
	list_remove(&r->link);
}
