/*
 * restore.h - a RESET goes back to what the client asked for at its login.
 *
 * For PostgreSQL the parameters of a start-up packet are what RESET and DISCARD ALL give back. A
 * server that is shared was started for nobody: it gives its own default. So when a Query or a
 * batch up to its Sync has reset something that the client came with, it is set again behind that,
 * before the client gets its ReadyForQuery, and the client's next messages wait for it. A SET in
 * the place of the RESET shares its fate: transactions and savepoints that undo one undo the other.
 *
 * What was reset the texts say (proxy/resets.h), if nothing has failed. It is SET then, and that is
 * no query: a transaction may still choose its isolation level. Where they do not say it, the
 * server is asked in the same words.
 *
 * What stands behind the RESET in the same string or batch meets the server's default.
 *
 *	none --(a text)--> asked --(Query, Sync)--> due --(ReadyForQuery: errand RESTORE)--> watched
 *	                     ^                       ^                                         |
 *	                     +--(another text)-------(----------------------- or none <--------+
 *	                                             +--(something goes in front: errand)------+
 *
 * It is watched to the end of the transaction: what was set again is undone by a ROLLBACK TO that
 * does not undo the RESET, and has to be set once more. In front of the client's next request goes
 * what makes it mean the same as with PostgreSQL: a search_path that SET spells otherwise gets its
 * spelling back by a query, once the client has no use for SET TRANSACTION any more; and what was
 * SET LOCAL TO DEFAULT has no value of its own while a RESET ALL is run.
 *
 * State: in the client's struct keep. Thread: worker.
 */
#ifndef PROXY_RESTORE_H
#define PROXY_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/usec.h"
#include "proxy/resets.h"

struct client;
struct server;

enum restore_state { RESTORE_NONE, RESTORE_ASKED, RESTORE_DUE, RESTORE_WATCHED };

struct restore {
	uint8_t state;     /* enum restore_state */
	bool is_in_front;  /* DUE: its client has had its ReadyForQuery */
	bool is_sent;      /* ASKED, DUE: something that was told of */
	uint32_t asked_at; /* is_sent: the seq of the first of it */
	struct resets resets;
};

void restore_forget(struct restore *restore); /* all zeros again */

/* Is a text with such effects to be told of by restore_text()? */
bool restore_concerns(const struct client *c, uint64_t effects);

/* It is about to be run, as a Query or by an Execute; `is_whole`: this is all of it. */
void restore_text(struct client *c, struct slice sql, bool is_whole);

/* What is run is not known, or the message at `seq` has failed. */
void restore_doubt(struct client *c);
void restore_refused(struct client *c, uint32_t seq);

/* Has it reset something in this transaction? In what it runs before its next Sync? */
bool restore_is_on(const struct client *c);
bool restore_is_asked(const struct client *c);

/* A message of that type has gone to the server, as `seq`. */
void restore_sent(struct client *c, char type, uint32_t seq);

/* Is something to be set behind what it has asked? */
bool restore_is_due(const struct client *c);

/* Must what the client sends, `next`, wait? Not what a COPY reads that stands behind the RESET. */
bool restore_holds(const struct client *c, struct slice next);

/* It waits, as `next`, and the server has nothing to do: is it for what goes in front of it? Then
 * that starts. */
void restore_go_ahead(struct client *c, struct slice next, usec_t now);

/* Its server reads data now. */
void restore_copies(struct client *c);

/* ReadyForQuery is there. True: the client gets it when all is set again. */
bool restore_start(struct server *s, usec_t now);

/* An error in place of it, for the client. */
void restore_failed(struct server *s, struct slice body, usec_t now);

/* The client gets its ReadyForQuery. */
void restore_done(struct server *s, usec_t now);

#endif
