/*
 * hidden.h - names behind which code hides that no statement shows: tables with triggers, views,
 * defaults, checks, policies, domains, operators that call somebody's own functions.
 *
 * The server is asked for them (proxy/learn.h). A statement that has one of them in it counts as
 * one that calls such a function (proxy/suspect.h). Where there are none it is one test.
 *
 * What is known becomes stale with the next command that may change it: CREATE, ALTER, DO. Those
 * that go through the pooler are news for all pools of their database, in every worker, from when
 * they are sent to when they are done; who knows nothing newer takes every statement for one that
 * hides code, takes care that what is left meets nobody else (suspect_sweep), and asks before the
 * next client gets a server. What is done elsewhere is heard of HIDDEN_LEARN_US later at the
 * latest, or after a thousand times as long as the answer took: some tables by the ten thousand are
 * not to be read more often.
 *
 * Where the server does not say, or there are more than HIDDEN_MAX_NAMES, code may be everywhere.
 *
 * Owner: a localpool; struct hidden_news: the registry's entry of the database. Thread: worker; the
 * news: any.
 */
#ifndef PROXY_HIDDEN_H
#define PROXY_HIDDEN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/slice.h"
#include "base/usec.h"
#include "sql/lexer.h"

#define HIDDEN_MAX_NAMES 8192
#define HIDDEN_LEARN_US (300 * USEC_PER_SEC)
#define HIDDEN_SHARE 1000                   /* of the time may go into it: one part */
#define HIDDEN_RETRY_US (30 * USEC_PER_SEC) /* where the server did not say */

/* Of a database: commands that change what is defined there. */
struct hidden_news {
	atomic_uint_fast64_t count; /* one more when such a command begins, and when it is done */
	atomic_int open;            /* how many are under way */
};

/* What the server says. */
struct hidden_lore {
	struct map names;
	bool is_everywhere;
	bool minds_ddl;  /* there are event triggers */
	bool is_foreign; /* some names have letters beyond ASCII */
};

struct hidden {
	struct hidden_news *news; /* not owned */
	struct hidden_lore lore;
	bool is_void;      /* there is nothing in it */
	bool has_failed;   /* the log knows that the server does not say */
	uint32_t version;  /* of what is known; 0: nothing ever was */
	unsigned learners; /* servers that are being asked */
	uint64_t heard;    /* the news when the server was asked; HIDDEN_NOT_HEARD */
	usec_t learn_at;
};

#define HIDDEN_NOT_HEARD UINT64_MAX

/* What was found of a text that does not change; all zeros: nothing yet. */
struct hidden_verdict {
	uint32_t version;
	bool has_names;
};

void hidden_init(struct hidden *h, struct hidden_news *news);
void hidden_fini(struct hidden *h);

static inline uint64_t hidden_news_count(const struct hidden *h)
{
	return atomic_load_explicit(&h->news->count, memory_order_relaxed);
}

/* Has something changed, or may it at any moment? */
static inline bool hidden_is_stale(const struct hidden *h)
{
	return h->heard != hidden_news_count(h);
}

/* Is it known that there is nothing? */
static inline bool hidden_is_void(const struct hidden *h)
{
	return h->is_void && !hidden_is_stale(h);
}

/* Is the server to be asked before a client gets one? */
bool hidden_is_due(const struct hidden *h, usec_t now);

/* It is being asked: gives what hidden_learnt wants to know. */
uint64_t hidden_ask(struct hidden *h);

/* When it is to be asked again, if nothing happens: it was asked and has answered at those times.
 */
usec_t hidden_next(usec_t asked_at, usec_t answered_at);

/* It has answered; `lore` is taken over, and good until then. Or it has not: NULL. */
void hidden_learnt(struct hidden *h, uint64_t heard, struct hidden_lore *lore, usec_t until);

/* Is there one of the names in it? */
bool hidden_is_in(const struct hidden *h, struct slice sql, struct lexer_mode mode);
bool hidden_judge(const struct hidden *h, struct hidden_verdict *verdict, struct slice sql,
		  struct lexer_mode mode);

void hidden_lore_init(struct hidden_lore *lore);
void hidden_lore_fini(struct hidden_lore *lore);
void hidden_lore_add(struct hidden_lore *lore, struct slice name);

/* A command that changes what is defined is about to be sent, and is done. */
void hidden_news_begin(struct hidden_news *news);
void hidden_news_end(struct hidden_news *news);

#endif
