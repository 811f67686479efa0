/*
 * varstack.h - the settings of one session, as PostgreSQL keeps them over transactions.
 *
 * It is told what has happened (a statement succeeded, one failed, the server is ready), and knows
 * what each setting that the session has ever set is: for the rest of the session, and right now,
 * which differs within a transaction that has SET LOCAL. Rollbacks and savepoints undo what they
 * undo there.
 *
 * Its memory is bounded. What does not fit, and a setting whose name could not be read, makes it
 * lost: then it does not know all of the session's settings, and no other server may be made to
 * look like this one. DISCARD ALL ends that, as does the rollback of what could not be read.
 *
 * Owned by whoever made it. Thread: the owner's.
 */
#ifndef SQL_VARSTACK_H
#define SQL_VARSTACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "sql/effect.h"

#define VARSTACK_VARS_MAX 128
#define VARSTACK_TEXT_BYTES_MAX ((size_t)32 << 10) /* of names and values, old ones too */
#define VARSTACK_MARKS_MAX 4096                    /* savepoints */
#define VARSTACK_UNDO_MAX 4096

enum varstack_state {
	VARSTACK_DEFAULT, /* as it was at start-up */
	VARSTACK_TEXT,    /* it has this value */
	VARSTACK_ASK,     /* only the server knows */
};

struct varstack;

struct varstack *varstack_new(void);
void varstack_free(struct varstack *vars);

/* A statement has succeeded (CommandComplete); in order, one call each. */
void varstack_apply(struct varstack *vars, const struct effect *effect);

/* An EXECUTE has succeeded of what this PREPARE prepared: what it sets must be asked for. */
void varstack_execute(struct varstack *vars, const struct effect *prepare);

/* Something has run that may have set anything, which the text does not show: EXECUTE of a name
 * that is not known, CODE, CALLS, UNREAD. It is for the caller to say so, or to know better. */
void varstack_doubt(struct varstack *vars);

/* A statement has failed (ErrorResponse). */
void varstack_fail(struct varstack *vars);

/* The server is ready (ReadyForQuery), with this status: I, T or E. */
void varstack_ready(struct varstack *vars, char status);

/* The server says what a setting is now (ParameterStatus, or because it was asked). One that the
 * session has not set is left alone. */
void varstack_note(struct varstack *vars, struct slice name, struct slice value);

/* What a setting is when the transaction is over (`now` false), or at this moment. Names are small
 * letters, as in struct effect_setting; *value is valid until the next change. */
enum varstack_state varstack_get(const struct varstack *vars, const char *name, bool now,
				 struct slice *value);

/* Walks what is not as at start-up when the transaction is over; *at starts at 0. */
bool varstack_next(const struct varstack *vars, size_t *at, const char **name,
		   enum varstack_state *state, struct slice *value);

bool varstack_is_lost(const struct varstack *vars);
bool varstack_is_idle(const struct varstack *vars); /* no transaction is open */
size_t varstack_bytes(const struct varstack *vars); /* of memory, all of it */

#endif
