/*
 * prepared_text.h - SQL that names prepared statements: PREPARE, EXECUTE, DEALLOCATE, DISCARD ALL.
 *
 * PostgreSQL has one set of names, whether PREPARE has taken one or a Parse. What a Parse has
 * prepared servers know by a name of ours, and so a text that names it gets the client's own name
 * lent: with the statement behind it where it executes that, with nothing where it is about the
 * name alone. What was lent comes home in front of the next batch (prepared_turn.h).
 *
 * Of a string of statements all are heeded, up to PREPARED_TEXT_MOST_NAMES names and as far as the
 * text is in hand.
 *
 * For prepared.c. Thread: worker.
 */
#ifndef PROXY_PREPARED_TEXT_H
#define PROXY_PREPARED_TEXT_H

#include <stdbool.h>
#include <string.h>

#include "base/bug.h"
#include "base/slice.h"
#include "sql/effect.h"

struct prepared_executed;
struct prepared_turn;

#define PREPARED_TEXT_MOST_NAMES 2048u

/* What has to do with names. */
#define PREPARED_TEXT_NAMING (EFFECT(PREPARE) | EFFECT(EXECUTE) | EFFECT(DEALLOCATE))
#define PREPARED_TEXT_FREES_ALL (EFFECT(DEALLOCATE_ALL) | EFFECT(DISCARD_ALL))

/* Must the text wait, since it is not known yet what names in it lead to? */
bool prepared_text_waits(struct prepared_turn *t, struct slice sql);

/* Is it still to be seen whether what was run in front makes the server forget all? It shall say so
 * now, though no Sync comes. */
bool prepared_text_awaits_forget(struct prepared_turn *t);

/* The same of a string of statements, which a Query runs. */
bool prepared_text_query_waits(struct prepared_turn *t, struct slice sql);

/* It is run by the next message that is not of ours. What is given is no more for the server to run
 * (or SLICE_NONE): a server prepares nothing in a failed transaction, so what ends that has gone in
 * front of what is lent, and its answer is the client's (prepared_answer_is_told). */
struct slice prepared_text_query(struct prepared_turn *t, struct slice sql) MUST_CHECK;

/* So is the statement of a portal. */
void prepared_text_execute(struct prepared_turn *t, struct slice sql);

/* May it be one that executes another (EXECUTE, EXPLAIN, CREATE)? Told by how it begins; most do
 * otherwise. */
static inline bool prepared_text_may_look(struct slice sql)
{
	return !sql.len || !strchr("sSiIuUdDwWbB", sql.ptr[0]);
}

/* The next message prepares it, or (`found`: NULL) describes or binds it: what it gives is what
 * that gives which it executes. False: that is not known yet, and the message waits. True: what it
 * has found is given in `found`; NULL: it is no EXECUTE. */
bool prepared_text_looks(struct prepared_turn *t, struct slice sql,
			 struct prepared_executed **found) MUST_CHECK;

#endif
