/*
 * reset.h - a RESET goes back to what the client asked for at its login.
 *
 * For PostgreSQL the parameters of a start-up packet are what RESET gives back. A server that is
 * shared was started for nobody: it gives its own default. So behind each statement that resets
 * what the client came with stands the SET that gives it back: in the text of a Query, and as
 * messages of ours behind an Execute. Both run one after the other in one transaction, so that
 * whatever undoes one undoes the other; and a SET is as little of a query as a RESET is. What is
 * answered to ours is nobody's.
 * An Execute of DISCARD ALL commits by itself, and so do ours behind it, by BEGIN and COMMIT.
 *
 *	Query "RESET ALL; SELECT 1"  -->  Query "RESET ALL\n;SET a TO E'x'; SELECT 1"
 *	Execute, Sync  -->  Execute, Close, Parse, Bind, Execute, Close, Close, Sync
 *
 * The text of a DISCARD ALL takes no statement beside it: proxy/discard.h. What code resets that no
 * text shows (a function, DO) is at the server's default until the look at the end of the
 * transaction finds it (proxy/inspect.h).
 *
 * Owner: the server; NULL: there was none yet. What is to stand behind an Execute is the client's,
 * in its struct prepared_names. Thread: worker.
 */
#ifndef PROXY_RESET_H
#define PROXY_RESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "proxy/client.h"
#include "proxy/paramset.h"
#include "sql/effect.h"

struct prepared_turn;
struct server;
struct track_news;

/* Our SETs behind one statement of a Query. */
struct reset_part {
	uint32_t seq;          /* the Query's */
	uint32_t first, count; /* among the statements of the new text, from zero */
	size_t at, letters;    /* where they stand in the client's text, and how long they are */
};

struct reset {
	size_t first, count, room;
	struct reset_part *parts; /* owned; in order; `first`: those before are done with */
	uint32_t heard;           /* statements of the Query of the first part that are done */
};

void reset_free(struct server *s);

/* May a text with such effects reset what the client came with? */
#define RESET_EFFECTS                                                                              \
	(EFFECT(SETTING) | EFFECT(SETTING_LOCAL) | EFFECT(RESET_ALL) | EFFECT(DISCARD_ALL))
static inline bool reset_concerns(const struct client *c, uint64_t effects)
{
	return effects & RESET_EFFECTS && paramset_count(c->came_with) > 0;
}

enum reset_verdict {
	RESET_AS_IT_IS,
	RESET_REWRITTEN, /* `text` is what goes instead of it, with its zero */
	RESET_GIVEN_UP,  /* what is reset is found behind its transaction */
};

/* A Query of all of this text is to be sent as `seq`. `is_read`: it will be read as the client's
 * parameters say now. */
enum reset_verdict reset_query(struct client *c, struct slice sql, uint32_t seq, bool is_read,
			       struct buf *text) MUST_CHECK;

/* A portal with that statement is run by the next message; and the one behind that comes next,
 * unless (false) the track has no room for what goes in front of it. */
void reset_execute(struct client *c, struct slice sql);
bool reset_catch_up(struct prepared_turn *t) MUST_CHECK;

/* CommandComplete of a Query's statement: is that one of ours? */
bool reset_is_ours(struct server *s, const struct track_news *news);

/* An ErrorResponse or NoticeResponse amid a Query. True: `out` is the same, with its position in
 * the client's text. */
bool reset_moves_notice(const struct server *s, char type, const struct track_news *news,
			struct slice body, struct buf *out) MUST_CHECK;

#endif
