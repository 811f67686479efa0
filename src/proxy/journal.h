/*
 * journal.h - what one client has running, for the slow-query log.
 *
 * A batch is a simple Query, an extended batch up to its Sync, or a FunctionCall: what the server
 * ends with one ReadyForQuery. The journal keeps the times and texts of the batches that are
 * under way, and the texts of the client's prepared statements and portals, so that an Execute
 * can be shown as what it runs. When a batch has ended and took long enough, a record of
 * it goes into the tap.
 *
 * The clock of a batch stands still while the server has answered everything and the
 * client thinks (an extended batch left open).
 *
 * Owned by the client while it has anything to remember, else by the worker's store of empty
 * ones. Only where the slow-query log is on for the client. Thread: worker.
 */
#ifndef PROXY_JOURNAL_H
#define PROXY_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/usec.h"
#include "wire/frame.h"
#include "wire/track.h"

struct client;
struct journal;
struct server;
struct worker;

/* How much of a message's beginning the journal wants in hand to make sense of it. */
size_t journal_peek_bytes(char type);

/* A message of the client's is about to be forwarded; `seq` is what the track will call it if it
 * is queued. Makes the journal where there is none. */
void journal_client(struct client *c, const struct frame *f, uint32_t seq, usec_t now);

/* Bytes that were forwarded for the current batch. */
void journal_received(struct client *c, size_t bytes);

/* Something of the current batch came from the server, which the client gets. */
void journal_server(struct client *c, const struct frame *f, const struct track_news *news,
		    usec_t now);

/* After a turn: bytes sent to the client, whether some are stuck in it, and whether the server
 * has answered all it was asked. Batches that have ended are judged. */
void journal_turn(struct client *c, size_t sent_bytes, bool is_stuck, bool all_answered,
		  usec_t now);

/* The batches under way end here, with that flag (enum record_flag). `sqlstate` may be NULL. */
void journal_cut(struct client *c, uint32_t flag, const char *sqlstate, usec_t now);

/* It waited for a server, and was refused: `in` is what it asked, as it is kept. */
void journal_refused(struct client *c, struct slice in, const char *sqlstate, usec_t now);

/* `in` is a batch that we have answered ourselves. */
void journal_answered(struct client *c, struct slice in, usec_t now);

/* A cancel was sent for what runs. */
void journal_cancelled(struct client *c);

/* Nothing is under way: gives it back if nothing is to be remembered either. */
void journal_rest(struct client *c);
void journal_drop(struct client *c); /* the client ends */

void journal_free_idle(struct worker *w); /* the store */

#endif
