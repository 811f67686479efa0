/*
 * journal_texts.h - what one client's prepared statements and portals run, for the slow-query log.
 *
 * Texts are kept up to JOURNAL_TEXTS_MAX_BYTES for a client, names and all that comes with them
 * included: the statement that was bound or parsed longest ago is forgotten first, and shown
 * without its text when it is run. One that is bound time and again stays, and costs no memory to
 * bind.
 *
 * Names are PostgreSQL's: no more than their first 63 bytes tell them apart. Portals end with their
 * transaction (journal_texts_end_portals); the unnamed ones are like any other.
 *
 * Embedded in the journal, not to be moved. Thread: worker.
 */
#ifndef PROXY_JOURNAL_TEXTS_H
#define PROXY_JOURNAL_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"

#define JOURNAL_TEXTS_MAX_BYTES ((size_t)512 << 10)
#define JOURNAL_TEXTS_MAX_PORTALS 256u /* with a name; the oldest gives way */

struct journal_portal;
struct journal_text;

struct journal_texts {
	struct map statements;          /* name -> text, a reference */
	struct list recent;             /* those; what was used last is in front */
	struct journal_text *unnamed;   /* a reference, or NULL: the unnamed statement's */
	struct journal_text *portal;    /* a reference, or NULL: the unnamed portal's */
	struct journal_portal *portals; /* owned; those with a name */
	unsigned portal_count, portal_cap;
	unsigned portal_oldest; /* once there are as many as may be */
	size_t bytes;           /* of all texts that are referred to */
};

void journal_texts_init(struct journal_texts *t);
void journal_texts_fini(struct journal_texts *t);

/* The statement `name` is this; `is_whole`: not just the head of it. */
void journal_texts_parse(struct journal_texts *t, struct slice name, struct slice sql,
			 bool is_whole);
/* The portal is of that statement; where it is not known, the portal is not either. */
void journal_texts_bind(struct journal_texts *t, struct slice portal, struct slice statement);

/* What the portal runs; no text and whole where that is not known. Borrowed until the next call. */
struct slice journal_texts_get(const struct journal_texts *t, struct slice portal, bool *is_whole);

void journal_texts_close_statement(struct journal_texts *t, struct slice name);
void journal_texts_close_portal(struct journal_texts *t, struct slice name);
void journal_texts_end_portals(struct journal_texts *t);
/* Also the unnamed statement; memory that the next client may use is kept. */
void journal_texts_end_unnamed(struct journal_texts *t);

/* Is there any statement with a name? */
static inline bool journal_texts_has_statements(const struct journal_texts *t)
{
	return map_count(&t->statements) > 0;
}

#endif
