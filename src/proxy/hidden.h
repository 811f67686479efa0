/*
 * hidden.h - names behind which code hides that no statement shows: tables with triggers, views,
 * defaults, checks, policies, domains, operators that call somebody's own functions.
 *
 * The server is asked for them (proxy/learn.h). A statement that has one of them in it counts as
 * one that calls such a function (proxy/suspect.h). Where there are none it is one test.
 *
 * What is known is the site's, of all pools that lead to that database (proxy/site.h): it is not
 * written to any more, and each pool holds on to what it knows until it looks for something newer.
 * It becomes stale with the next command that may change it. Whose knowledge is stale takes every
 * statement for one that hides code, takes care that what is left meets nobody else
 * (suspect_sweep), and sees to it that the server is asked before the next client gets one. What is
 * done elsewhere the catalogs show, by numbers that change with them: that is a small question,
 * every HIDDEN_PEEK_US while the site is used. What those do not show is heard of HIDDEN_LEARN_US
 * later at the latest, or after a thousand times as long as the answer took: some tables by the ten
 * thousand are not to be read more often.
 *
 * Where the server does not say, or there are more than HIDDEN_MAX_NAMES, code may be everywhere.
 *
 * Owner: a localpool. Thread: worker; struct hidden_lore: any, once it is published.
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
#include "proxy/site.h"
#include "sql/lexer.h"

#define HIDDEN_MAX_NAMES 8192
#define HIDDEN_LEARN_US (300 * USEC_PER_SEC)
#define HIDDEN_SHARE 1000                 /* of the time may go into it: one part */
#define HIDDEN_PEEK_US (2 * USEC_PER_SEC) /* how the catalogs are is asked so often */
#define HIDDEN_PEEK_SHARE 20
#define HIDDEN_WRITTEN_US                                                                          \
	(12 * USEC_PER_SEC)                 /* what is defined is in PostgreSQL's counts by then */
#define HIDDEN_CODE_SHARE 10                /* the same where code has changed, */
#define HIDDEN_USES_SHARE 100               /* or what uses it */
#define HIDDEN_RETRY_US (30 * USEC_PER_SEC) /* where the server did not say */
#define HIDDEN_GHOST_US USEC_PER_SEC        /* where a backend may still define something */

#define HIDDEN_CATALOGS_BYTES 64

/* What the server says. Counted by reference. */
struct hidden_lore {
	atomic_uint refs;
	uint32_t version;
	struct map names;
	struct map settings; /* names with a dot that functions set */
	bool is_everywhere;
	bool minds_ddl;  /* there are event triggers */
	bool is_foreign; /* some names have letters beyond ASCII */
	uint64_t asked;  /* the news when the server was asked; HIDDEN_NOT_HEARD: amid a change */
	uint64_t heard; /* the same, or HIDDEN_NOT_HEARD: there are ghosts, it may change unheard */
	usec_t learn_at;
	usec_t took_us; /* the answer */
	/* How catalogs were before: those that say what code runs, and those that use it, which
	 * temporary tables change too. Empty: the server did not say. */
	char code[HIDDEN_CATALOGS_BYTES];
	char uses[HIDDEN_CATALOGS_BYTES];
};

struct hidden {
	struct site *site;        /* not owned */
	struct hidden_lore *lore; /* a reference; NULL: nothing is known yet */
	bool is_void;             /* there is nothing in it */
	bool has_failed;          /* the log knows that the server does not say */
	uint32_t version;         /* the lore's; 0: there is none */
	uint32_t seen;  /* the site's that was taken, or is passed over since the server did not say
			 */
	uint64_t heard; /* the lore's; HIDDEN_NOT_HEARD */
	usec_t learn_at;
	usec_t peek_at; /* the site's, or earlier */
};

#define HIDDEN_NOT_HEARD UINT64_MAX

/* What was found of a text that does not change; all zeros: nothing yet. */
struct hidden_verdict {
	uint32_t version;
	bool has_names;
};

void hidden_init(struct hidden *h, struct site *site);
void hidden_fini(struct hidden *h);

/* Has something changed, or may it at any moment? */
static inline bool hidden_is_stale(const struct hidden *h)
{
	return h->heard != site_news(h->site);
}

/* Is it known that there is nothing? */
static inline bool hidden_is_void(const struct hidden *h)
{
	return h->is_void && !hidden_is_stale(h);
}

/* Is the server to be asked? */
bool hidden_is_due(const struct hidden *h, usec_t now);

/* What the lore's `asked` shall be. */
uint64_t hidden_ask(const struct site *site);

/* When it is to be asked again, if nothing happens: it was asked and has answered at those times.
 */
usec_t hidden_next(usec_t asked_at, usec_t answered_at);

/* The same of how the catalogs are. */
usec_t hidden_peek_next(usec_t asked_at, usec_t answered_at);

/* Goes by that from now on; a reference is taken. True: what was known was wrong, or may have been.
 */
bool hidden_take(struct hidden *h, struct hidden_lore *lore);

/* Is there one of the names in it? */
bool hidden_is_in(const struct hidden *h, struct slice sql, struct lexer_mode mode);
bool hidden_judge(const struct hidden *h, struct hidden_verdict *verdict, struct slice sql,
		  struct lexer_mode mode);
static inline bool hidden_minds_ddl(const struct hidden *h)
{
	return !h->lore || h->lore->minds_ddl;
}

struct hidden_lore *hidden_lore_new(struct site *site);
struct hidden_lore *hidden_lore_ref(struct hidden_lore *lore);
void hidden_lore_unref(struct hidden_lore *lore); /* NULL is fine */
bool hidden_lore_has_catalogs(const struct hidden_lore *lore, const struct hidden_lore *now);
void hidden_lore_add(struct hidden_lore *lore, struct slice name);
void hidden_lore_add_foreign(struct hidden_lore *lore); /* some name with letters beyond ASCII */
void hidden_lore_add_setting(struct hidden_lore *lore, struct slice name);

#endif
