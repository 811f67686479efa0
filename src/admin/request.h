/*
 * request.h - a command of the console on its way: from a session to who carries it out, and
 * back.
 *
 * Carrying it out may take any time: a request outlives its session where that leaves first,
 * and the console where that ends first. It is answered to nobody then.
 *
 * Owned by whoever is to call request_done next. Thread: main.
 */
#ifndef ADMIN_REQUEST_H
#define ADMIN_REQUEST_H

#include <stdbool.h>

#include "admin/answer.h"
#include "admin/order.h"
#include "base/list.h"
#include "base/wheel.h"
#include "net/addr.h"

struct admin;
struct session;

struct request {
	struct list link;        /* admin->requests */
	struct admin *admin;     /* not owned; NULL: the console has ended */
	struct session *session; /* not owned; NULL: it has left */
	struct order order;
	struct answer answer;
	struct timer timer;                          /* for who carries it out */
	void (*next)(struct request *r, usec_t now); /* what is done once its database is found */
	bool is_admin;
	char who[ADDR_TEXT_BYTES + ORDER_NAME_BYTES]; /* for the log: user and address */
};

struct request *request_new(struct session *session);

/* It is carried out, or has failed: the session hears of it. */
void request_done(struct request *r, usec_t now);

void request_forget_session(struct request *r);
void request_forget_admin(struct request *r);

#endif
