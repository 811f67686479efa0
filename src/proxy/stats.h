/*
 * stats.h - what is counted for each pool.
 *
 * One row per counter gives the field, its name in SHOW STATS (as PgBouncer has it) and
 * what it means; the console and the log add up what the workers have. Counters only grow.
 * Times are microseconds, sizes bytes.
 *
 * Each worker counts for itself in its own part of a pool. Thread: the owning worker;
 * others see copies (proxy/report.h).
 */
#ifndef PROXY_STATS_H
#define PROXY_STATS_H

#include <stdint.h>

/* field, PgBouncer's name, meaning */
#define STATS_FIELDS(X)                                                                            \
	X(server_assignments, "server_assignment_count", "times a server was given to a client")   \
	X(xacts, "xact_count", "transactions that ended")                                          \
	X(queries, "query_count", "simple queries, extended batches and function calls answered")  \
	X(received_bytes, "received", "bytes from clients")                                        \
	X(sent_bytes, "sent", "bytes to clients")                                                  \
	X(xact_us, "xact_time", "time that clients held a server in transactions, microseconds")   \
	X(query_us, "query_time", "time that servers worked on queries, microseconds")             \
	X(wait_us, "wait_time", "time that clients waited for a server, microseconds")             \
	X(client_parses, "client_parse_count", "Parse messages from clients")                      \
	X(server_parses, "server_parse_count", "Parse messages to servers")                        \
	X(binds, "bind_count", "Bind messages from clients")                                       \
	X(client_logins, "client_login_count", "clients that logged in")                           \
	X(server_logins, "server_login_count", "connections opened to the server")                 \
	X(server_login_failures, "server_login_failure_count", "logins to the server that failed") \
	X(errors, "error_count", "ErrorResponses from servers to clients")                         \
	X(refusals, "refusal_count",                                                               \
	  "requests that the pooler itself refused (time-outs, bounds)")                           \
	X(keeps, "keep_count", "times a client began to keep its server")                          \
	X(keeps_listen, "keep_listen_count", "... for LISTEN")                                     \
	X(keeps_prepare, "keep_prepare_count", "... for a statement of PREPARE")                   \
	X(keeps_cursor, "keep_cursor_count", "... for a cursor WITH HOLD")                         \
	X(keeps_temp, "keep_temp_count", "... for a temporary object")                             \
	X(keeps_lock, "keep_lock_count", "... for an advisory lock")                               \
	X(keeps_authorization, "keep_authorization_count", "... for a session authorization")      \
	X(keeps_load, "keep_load_count", "... for a loaded library")                               \
	X(keeps_link, "keep_link_count", "... for a connection of dblink")                         \
	X(keeps_bound, "keep_bound_count", "... for a backup, or replication")                     \
	X(keeps_sequence, "keep_sequence_count", "... for currval or lastval")                     \
	X(keeps_seed, "keep_seed_count", "... for what setseed() makes of random()")               \
	X(keeps_long, "keep_long_count", "... for a prepared statement that is too long")          \
	X(keeps_unknown, "keep_unknown_count", "... for what the server would not say")            \
	X(keeps_manual, "keep_manual_count", "... for pgweir.keep")                                \
	X(notes, "notification_count", "notifications told to clients by a shared listener")       \
	X(looks, "look_count", "times a server was asked what a client had left in it")            \
	X(cancels, "cancel_count", "cancel requests of clients passed on or answered")

struct stats {
#define STATS_FIELD_(field, name, meaning) uint64_t field;
	STATS_FIELDS(STATS_FIELD_)
#undef STATS_FIELD_
};

static inline void stats_add(struct stats *sum, const struct stats *one)
{
#define STATS_ADD_(field, name, meaning) sum->field += one->field;
	STATS_FIELDS(STATS_ADD_)
#undef STATS_ADD_
}

#endif
