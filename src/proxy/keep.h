/*
 * keep.h - what lives in a client's session and nowhere else: why it keeps its server.
 *
 * What a statement may do to its session is read from the text before it is sent (proxy/suspect.h)
 * and only ever makes suspicious. What it did do is asked of the server, once, when the
 * transaction is over (proxy/inspect.h). So nothing has to be concluded: a rollback, a lock taken
 * twice, a SET whose value was computed come out right by themselves. Settings that were touched
 * are asked for too, and follow the client from then on (proxy/paramset.h); it keeps its server
 * only for what cannot follow.
 *
 *	suspected --(look)--> kept --(a statement that may end it, look)--> nothing: released
 *
 * A client that does nothing of the sort has no struct keep. One that listens keeps its server only
 * until others can listen for it (proxy/ear.h).
 *
 * Owner: the client. Thread: worker.
 */
#ifndef PROXY_KEEP_H
#define PROXY_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/slice.h"
#include "base/usec.h"
#include "proxy/harmless.h"

struct client;
struct ear;
struct localpool;

/* state, as SHOW KEPT and the log have it, its counter, and for the manual: what it comes from, and
 * until when it lasts */
#define KEEP_STATES(X)                                                                             \
	X(LISTEN, "listen", keeps_listen,                                                          \
	  "LISTEN, with listen = keep, or until the shared listener listens for it",               \
	  "UNLISTEN, DISCARD ALL")                                                                 \
	X(PREPARE, "prepared statement", keeps_prepare, "PREPARE", "DEALLOCATE, DISCARD ALL")      \
	X(CURSOR, "cursor with hold", keeps_cursor,                                                \
	  "DECLARE ... WITH HOLD, once its transaction is committed", "CLOSE, DISCARD ALL")        \
	X(TEMP, "temporary object", keeps_temp,                                                    \
	  "CREATE TEMP of a table, view or sequence, SELECT INTO TEMP, anything in pg_temp",       \
	  "DROP, DISCARD TEMP, DISCARD ALL, the commit where ON COMMIT DROP says so")              \
	X(LOCK, "advisory lock", keeps_lock, "pg_advisory_lock() and its kin of the session",      \
	  "as many pg_advisory_unlock(), pg_advisory_unlock_all(), DISCARD ALL")                   \
	X(AUTHORIZATION, "session authorization", keeps_authorization,                             \
	  "SET SESSION AUTHORIZATION", "RESET SESSION AUTHORIZATION, DISCARD ALL")                 \
	/* the server is closed after these three */                                               \
	X(LOAD, "loaded library", keeps_load, "LOAD",                                              \
	  "the client leaves; the server is closed then")                                          \
	X(LINK, "dblink connection", keeps_link, "dblink_connect()",                               \
	  "the client leaves; the server is closed then")                                          \
	X(BOUND, "backup or replication", keeps_bound,                                             \
	  "pg_backup_start(), pg_replication_origin_session_setup(), "                             \
	  "pg_create_logical_replication_slot() and its kin, whose slot may be temporary",         \
	  "the client leaves; the server is closed then")                                          \
	X(SEQUENCE, "sequence", keeps_sequence,                                                    \
	  "nextval() and what may call it, where currval() or lastval() is read (sequence_state)", \
	  "DISCARD SEQUENCES, DISCARD ALL")                                                        \
	X(SEED, "seed", keeps_seed, "setseed(), SET seed (seed_state)",                            \
	  "DISCARD ALL; the server is closed when the client leaves")                              \
	X(LONG, "long prepared statement", keeps_long,                                             \
	  "a Parse of more than 192 kB, which is not held for other servers", "DISCARD ALL")       \
	X(UNKNOWN, "unknown", keeps_unknown,                                                       \
	  "a server that did not say what the session holds; a setting of 64 kB, or more than a "  \
	  "megabyte of them",                                                                      \
	  "DISCARD ALL")                                                                           \
	X(MANUAL, "pgweir.keep", keeps_manual, "SET pgweir.keep = on",                             \
	  "SET pgweir.keep = off, RESET, DISCARD ALL")

#define KEEP_STATE_ENUM_(state, shown, counter, from, until) KEEP_AT_##state,
enum keep_state { KEEP_STATES(KEEP_STATE_ENUM_) KEEP_STATE_COUNT };
#undef KEEP_STATE_ENUM_

#define KEEP(state) (1u << KEEP_AT_##state)
/* Those that the server can be asked about; the others end with the session. */
#define KEEP_ASKED                                                                                 \
	(KEEP(LISTEN) | KEEP(PREPARE) | KEEP(CURSOR) | KEEP(TEMP) | KEEP(LOCK) |                   \
	 KEEP(AUTHORIZATION))

/* Those that end with the server alone. */
#define KEEP_DOOMS (KEEP(LOAD) | KEEP(LINK) | KEEP(BOUND))

/* The setting by which a client keeps its server because it wants to. */
#define KEEP_SETTING SLICE("pgweir.keep")

#define KEEP_NAMES_MAX 16
#define KEEP_CAUSE_BYTES 160

struct keep {
	uint16_t kept;
	uint16_t suspected;
	uint16_t named;     /* of these: a text has said so */
	bool asks_all;      /* any setting may have changed */
	bool has_reset;     /* a RESET was among what touched settings */
	bool has_lost_all;  /* RESET ALL without SETs behind it, or DISCARD ALL by an Execute, for
			       good: those behind it may be undone */
	bool may_end;       /* something was done that may end what keeps */
	bool moves_path;    /* search_path was set in this transaction, for how long ever */
	bool moves_reading; /* or what decides how strings are read */
	bool moves_meaning; /* or what literals mean (paramset_is_meaning), which no server reports
			     */
	bool awaits_report; /* or that which it does report with the next ReadyForQuery */
	uint32_t moved_seq; /* behind the message of that seq, which has set it last */
	bool is_counted;    /* it counts against max_kept */
	size_t name_count;
	char *names[KEEP_NAMES_MAX]; /* owned; settings that were touched */
	uint64_t inner;              /* effects of what PREPARE has prepared */
	struct harmless_tried tried;
	char *cause;     /* owned; the statement that made it suspicious; NULL */
	struct ear *ear; /* owned; what it listens to (proxy/ear.h); NULL: nothing that is known */
	usec_t kept_since;
	usec_t warned_at; /* the beginning of the idleness that the log was warned of */
};

/* The client's; made where it has none yet. */
struct keep *keep_need(struct client *c);

/* It has logged in: pgweir.keep may be among its start-up options. */
void keep_greet(struct client *c, usec_t now);

/* Its transaction is over: is there something to ask the server? */
bool keep_wants_look(const struct client *c);

/* The server was asked. `found`: which of the states there are; `changed`: its settings were not
 * what they were held for. */
void keep_looked(struct client *c, unsigned found, bool changed, usec_t now);

/* The next message may set what the server reports; and a ReadyForQuery: all that was set in front
 * of it is reported. */
void keep_awaits_report(struct client *c);
void keep_reported(struct client *c);

/* The server did not answer as it should. */
void keep_is_unknown(struct client *c, usec_t now);

/* It keeps its server: false where max_kept would be exceeded, and it was told to go. */
bool keep_hold(struct client *c, usec_t now) MUST_CHECK;

/* It has its server no more. */
void keep_let_go(struct client *c);

/* It listens elsewhere from now on, and on its server again. */
void keep_lend(struct client *c);
void keep_reclaim(struct client *c, usec_t now);

/* When it is time to say something of its idleness, and that: it is told to go at `deadline`. */
usec_t keep_deadline(const struct client *c);
void keep_warn(struct client *c, usec_t now);

/* DISCARD SEQUENCES was carried out. */
void keep_sequences_discarded(struct client *c);

/* DISCARD ALL was carried out. */
void keep_discarded(struct client *c);

static inline bool keep_is(const struct keep *keep, unsigned states)
{
	return keep && keep->kept & states;
}

/* Must its server be cleaned before anybody else gets it? */
bool keep_is_dirty(const struct keep *keep);

/* Nothing of it is kept or suspected. */
void keep_forget(struct client *c);

void keep_free(struct client *c); /* when it ends */

/* "listen, advisory lock" */
const char *keep_describe(unsigned states, char *out, size_t out_bytes);

#endif
