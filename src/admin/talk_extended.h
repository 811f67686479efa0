/*
 * talk_extended.h - the extended protocol's part of a talk: statements and portals.
 *
 * For admin/talk.c alone. Thread: the owner's.
 */
#ifndef ADMIN_TALK_EXTENDED_H
#define ADMIN_TALK_EXTENDED_H

#include "admin/talk.h"

struct reader;

/* What came of one whole message. */
enum talk_heard {
	TALK_HEARD_OK,
	TALK_HEARD_RUN,      /* talk->order is to be carried out, for talk->portal */
	TALK_HEARD_NONSENSE, /* no such message can be */
	TALK_HEARD_END,
};

/* The body of each is in the reader. */
enum talk_heard talk_extended_parse(struct talk *t, struct reader *r, struct buf *out);
enum talk_heard talk_extended_bind(struct talk *t, struct reader *r, struct buf *out);
enum talk_heard talk_extended_describe(struct talk *t, struct reader *r, struct buf *out);
enum talk_heard talk_extended_execute(struct talk *t, struct reader *r, struct buf *out);
enum talk_heard talk_extended_close(struct talk *t, struct reader *r, struct buf *out);

/* The command of talk->portal has come back, and its error, if any, is said. */
void talk_extended_answer(struct talk *t, struct answer *answer, struct buf *out);

void talk_extended_close_portals(struct talk *t);
void talk_extended_forget(struct talk *t, struct slice statement); /* maybe there is none */
void talk_extended_forget_all(struct talk *t);                     /* statements */

#endif
