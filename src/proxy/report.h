/*
 * report.h - what the workers know, copied for the console.
 *
 * Each worker fills a struct report of its own on its own thread (report_fill); main adds
 * them up. Rows are plain copies: nothing in them points into a worker.
 *
 * Owner: who asked for it. Thread: filled by a worker, then given away to main.
 */
#ifndef PROXY_REPORT_H
#define PROXY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/usec.h"
#include "net/tls.h"
#include "proxy/stats.h"

#define REPORT_NAME_BYTES 64 /* PostgreSQL's NAMEDATALEN; longer names are cut */
#define REPORT_ADDR_BYTES 64
#define REPORT_STATES_BYTES 128
#define REPORT_CAUSE_BYTES 192

/* One client or one server connection. */
struct report_conn {
	bool is_server;
	char database[REPORT_NAME_BYTES];
	char user[REPORT_NAME_BYTES];
	char state[24];
	char addr[REPORT_ADDR_BYTES];
	int port;
	char local_addr[REPORT_ADDR_BYTES];
	int local_port;
	usec_t connected_wall; /* since 1970 */
	usec_t request_wall;   /* the last request's; 0: none yet */
	usec_t wait_us;        /* clients: how long it is waiting now */
	bool close_needed;
	uint64_t ptr;  /* tells connections apart while they live */
	uint64_t link; /* the other side's ptr; 0: none */
	int remote_pid;
	char tls[TLS_INFO_BYTES]; /* version and cipher; "": plain */
	bool replication;
	int prepared; /* statements of the protocol: a client's names, a server's statements */
	char application_name[REPORT_NAME_BYTES];
	uint64_t id;
	int worker;
	/* clients: why it keeps its server */
	unsigned kept; /* KEEP_... of proxy/keep.h; 0: it does not */
	usec_t kept_wall;
	int kept_pid;
	char kept_states[REPORT_STATES_BYTES];
	char kept_cause[REPORT_CAUSE_BYTES];
	/* servers: of a shared listener */
	bool is_listener;
	char encoding[REPORT_NAME_BYTES];
	int listeners; /* clients that hear from it */
	int channels;
	uint64_t notes; /* that it has heard */
	usec_t listens_wall;
};

/* One pool, as far as one worker has part in it. Rows of several workers with the same
 * database, user and options are one pool and are added up. */
struct report_pool {
	char database[REPORT_NAME_BYTES];
	char user[REPORT_NAME_BYTES];
	char options[REPORT_NAME_BYTES]; /* start-up-only parameters, "" for nearly all */
	int cl_active;                   /* linked to a server, or idle */
	int cl_linked;                   /* of these, linked */
	int cl_waiting;
	int cl_active_cancel_req;
	int cl_waiting_cancel_req;
	int sv_active;
	int sv_active_cancel;
	int sv_being_canceled;
	int sv_idle;
	int sv_used;   /* idle for longer than server_check_delay */
	int sv_tested; /* being pinged, or cleaned */
	int sv_login;
	usec_t maxwait_us;     /* of the longest waiter */
	const char *pool_mode; /* a constant */
	int pool_size;
	int max_overflow;
	bool paused;
	struct stats stats;
};

/* What pools of a database counted that are gone. */
struct report_retired {
	char database[REPORT_NAME_BYTES];
	struct stats stats;
};

struct report {
	int worker;
	struct report_conn *conns; /* owned */
	size_t conn_count, conn_cap;
	struct report_pool *pools; /* owned */
	size_t pool_count, pool_cap;
	struct report_retired *retired; /* owned; with REPORT_POOLS */
	size_t retired_count, retired_cap;
	size_t login_clients;         /* not logged in yet */
	int busy_percent;             /* the share of its time that it worked, of late */
	uint64_t moved_in, moved_out; /* clients, from and to other workers */
};

enum report_what {
	REPORT_POOLS = 1 << 0,
	REPORT_CLIENTS = 1 << 1,
	REPORT_SERVERS = 1 << 2,
};

void report_init(struct report *report, int worker);
void report_fini(struct report *report);
struct report_conn *report_add_conn(struct report *report);       /* cleared */
struct report_pool *report_add_pool(struct report *report);       /* cleared */
struct report_retired *report_add_retired(struct report *report); /* cleared */

/* Copies a name into a row's field, cut where it would not fit. */
void report_copy(char *field, size_t field_bytes, const char *name);

#endif
