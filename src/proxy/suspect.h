/*
 * suspect.h - what may a client's statements leave in its session, for all that their texts say?
 *
 * By what is in the text (sql/effect.h) and what is known of the names in it (proxy/hidden.h). It
 * goes into the client's struct keep; what came of it is asked of the server later (proxy/keep.h).
 *
 * Thread: worker.
 */
#ifndef PROXY_SUSPECT_H
#define PROXY_SUSPECT_H

#include <stdbool.h>
#include <string.h>

#include "base/slice.h"
#include "proxy/client.h"
#include "proxy/hidden.h"
#include "proxy/localpool.h"

/* A text is about to be run in its session, or may be from now on; `is_whole`: this is all of it.
 * What are its effects, as far as it shows them? */
uint64_t suspect_text(struct client *c, struct slice sql, bool is_whole);

/* All that it came with is reset, and set again behind that. */
void suspect_reset_all(struct client *c);

/* May it leave anything behind, if it is run? `moves`: may it take a number from a sequence? */
bool suspect_has_effects(const struct client *c, struct slice sql, bool *moves);

/* Is it to be known of this client that it takes a number from a sequence (proxy/numbers.h): since
 * it keeps its server for it, or to find out whether it should? It has a server. */
bool suspect_minds_moves(const struct client *c);

/* The same of what the names in a prepared statement hide, which changes; what was found is in
 * `verdict`. Nearly always nothing can be: suspect_may_hide says so first. */
bool suspect_hides(struct client *c, struct hidden_verdict *verdict, struct slice sql);
static inline bool suspect_may_hide(const struct client *c)
{
	return c->pool->minds_hidden && !hidden_is_void(&c->pool->hidden);
}

/* A statement has failed: was what it names set, or may it be set at all? */
void suspect_failed(struct client *c);

/* A statement that is too long to be prepared again on another server. */
void suspect_long_statement(struct client *c);

/* It runs something, and auto_probe is always. */
void suspect_always(struct client *c);

/* Are the numbers of sequences read in these messages? (Or so it looks.) Most call nothing. */
bool suspect_calls_sequences(struct slice messages);
static inline bool suspect_reads_sequences(struct slice messages)
{
	return memchr(messages.ptr, '(', messages.len) && suspect_calls_sequences(messages);
}

/* A function call, of whatever function. */
void suspect_call(struct client *c);

/* What has run may have hidden code that nobody knew of. */
void suspect_hidden(struct client *c);

/* Who is next on its server gets nothing of what nobody has asked about. */
void suspect_sweep(const struct client *c);

#endif
