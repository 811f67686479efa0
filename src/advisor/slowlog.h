/*
 * slowlog.h - the slow-query log: one line for each batch of statements that took longer than
 * log_min_duration_statement, saying where its time went.
 *
 * A batch is what the client sent at once: a simple query with all its statements, an extended
 * batch up to its Sync (a pipeline is one batch), a function call. The server answers it as a
 * whole, so the line has the times of the whole and lists the statements; times of single ones
 * are not made up.
 *
 * Text form (log_format = text; one line, folded here):
 *
 *   2026-11-22 18:21:03.123 UTC [812] SLOW 1532.4 ms
 *     db=shop user=app client=10.0.0.7:5123 app=web pid=4711
 *     waited=12.1 first_byte=1500.2 server=1515.0 client=5.3 ms
 *     rows=1000 in=85 out=104233 xact=1.600 s
 *     SELECT * FROM orders WHERE customer = $1
 *
 *   stamp        the end of the batch, and our own process id
 *   pid          of the server; 0: it never got one
 *   waited       for a server
 *   first_byte   from then until the server's first byte
 *   server       from then until the server was done, first_byte included
 *   client       waiting for a client slow to take (in COPY FROM STDIN: to send) data
 *   rows in out  rows by the command tags, bytes from and to the client
 *   xact         age of the transaction, where one was open
 *   error=57014  where something failed: the SQLSTATE of the first error
 *   words        copy_in copy_out cancelled timed_out client_gone server_gone, where true
 *
 * Several statements are numbered, and what was run often is counted:
 *   `502 statements: [1] BEGIN [2] INSERT INTO t VALUES ($1) (x500) [3] COMMIT`
 * `(parsed earlier)` marks one that an earlier batch had prepared, `(parsed only)` one not run.
 *
 * logfmt and JSON have the same content under stable names, every field always there:
 *
 *   ts           end, 2026-11-22T18:21:03.123Z
 *   event        "slow"
 *   db user client app
 *   server_pid   0: it never got a server
 *   protocol     simple, extended, function
 *   total_ms wait_ms first_byte_ms server_ms client_ms xact_age_ms
 *   rows in_bytes out_bytes
 *   statements errors
 *   sqlstate     "" without an error
 *   flags        the words above with commas between them, "" without any
 *   cut          true: the SQL is not all there
 *   sql          as at the end of the text form; in JSON a list with text, times and kind of
 *                each: query, parse (in this batch), execute (parsed earlier), function
 *
 * The SQL is in normal form (sql/norm.h: no literal in it) unless log_parameter_values is on. Of
 * a text that the server could not parse (42601), or did not come to parse and whose quotes look
 * like a mistake, only the first word is shown then: nobody can say what in it is a value.
 *
 * Bytes that are not UTF-8, and control characters, are written as \xNN (in JSON as "\\xNN" and
 * \u00NN), line ends and tabs as \n, \r and \t: a line is one line, and valid UTF-8.
 *
 * At most log_slow_rate lines a second; what was left out is counted and said:
 *   ... LOG slow-query log: 37 statements left out in the last 1.0 s, 5 lost
 * (event "slow_left_out" with left_out, lost, seconds; `lost`: more than the buffer could hold).
 *
 * Thread: one, the owner's (the observer).
 */
#ifndef ADVISOR_SLOWLOG_H
#define ADVISOR_SLOWLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/usec.h"
#include "tap/record.h"

#define SLOWLOG_FORMATS(X)                                                                         \
	X(TEXT, "text")                                                                            \
	X(LOGFMT, "logfmt")                                                                        \
	X(JSON, "json")

#define SLOWLOG_FORMAT_ENUM_(format, name) SLOWLOG_##format,
enum slowlog_format { SLOWLOG_FORMATS(SLOWLOG_FORMAT_ENUM_) SLOWLOG_FORMAT_COUNT };
#undef SLOWLOG_FORMAT_ENUM_

/* How many lines, and what was left out. All zeros: no bound, nothing left out yet. */
struct slowlog {
	uint32_t rate; /* lines a second; 0: all */
	uint32_t lines_in_window;
	usec_t window_start;
	uint64_t left_out; /* not reported yet */
	uint64_t lost;
	usec_t left_out_since;
};

const char *slowlog_format_name(enum slowlog_format format);

/* Adds the line of one record to `out`, without a line end. */
void slowlog_format(const struct tap_record *record, enum slowlog_format format, struct buf *out);

/* May a line be written now? Where not, it is counted. */
bool slowlog_admit(struct slowlog *log, usec_t now) MUST_CHECK;

/* n records never came (ring_dropped). */
void slowlog_lost(struct slowlog *log, uint64_t n, usec_t now);

/* When slowlog_report has something to say: USEC_NEVER where nothing was left out. */
usec_t slowlog_due(const struct slowlog *log);

/* Where it is due (or `final`), adds the line that says what was left out, and forgets it. */
bool slowlog_report(struct slowlog *log, enum slowlog_format format, usec_t wall, usec_t now,
		    bool final, struct buf *out) MUST_CHECK;

#endif
