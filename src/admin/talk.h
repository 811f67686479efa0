/*
 * talk.h - the protocol of a console session: bytes in, bytes out, and commands to carry out.
 *
 * Both protocols, simple and extended, with named statements and portals; no parameters,
 * results in text or binary. It knows no socket: whoever has one feeds it, sends what it
 * has to say, and carries out what it asks for, one command at a time:
 *
 *	TALK_RUN: carry out talk->order, then talk_answer, then talk_next again
 *
 * Embedded in a session. Thread: the owner's.
 */
#ifndef ADMIN_TALK_H
#define ADMIN_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "admin/answer.h"
#include "admin/order.h"
#include "base/buf.h"
#include "base/map.h"
#include "sql/split.h"

#define TALK_MAX_MESSAGE_BYTES (64u << 10)
#define TALK_MAX_NAMED 1000           /* statements, and as many portals */
#define TALK_ENOUGH_BYTES (64u << 10) /* that much to send, and the rest may wait */

enum talk_step {
	TALK_MORE,  /* come back with more bytes */
	TALK_SEND,  /* send what there is, and come back */
	TALK_RUN,   /* carry out talk->order and come back with talk_answer */
	TALK_CLOSE, /* send what there is, and close */
};

struct talk_statement;
struct talk_portal;

struct talk {
	bool is_admin;
	bool is_running;  /* a command is out */
	bool is_skipping; /* after an error, to the next Sync */
	char tx_status;   /* I, or T between a driver's BEGIN and COMMIT */

	char *sql; /* owned: a simple query of which statements are left, or NULL */
	struct split split;
	bool was_empty; /* it had none so far */

	struct map statements;      /* name -> struct talk_statement, owned */
	struct map portals;         /* name -> struct talk_portal, owned */
	struct talk_portal *portal; /* whose command is out; NULL: the simple query's */
	uint32_t max_rows;          /* that its Execute asked for; 0: all */

	struct order order; /* the command that is out */
	uint64_t binary;    /* of its columns, a bit for each wanted so */
};

void talk_init(struct talk *t, bool is_admin);
void talk_fini(struct talk *t);

/* What a client is told once it is in. `key`: of a cancel request that nobody will answer. */
void talk_greet(const struct talk *t, const char *user, uint32_t pid, struct slice key,
		struct buf *out);

enum talk_step talk_next(struct talk *t, struct buf *in, struct buf *out) MUST_CHECK;

/* What came of the command; its rows are taken over. */
void talk_answer(struct talk *t, struct answer *answer, struct buf *out);

#endif
