/*
 * loadgen.c - clients for a pooler, or for whatever speaks PostgreSQL's protocol.
 *
 *	loadgen --port N [--clients N] [--idle N] [--streams N] [--copy-in N] [--copy-out N]
 *	        [--storm N] [--proto simple|extended|prepared] [--seconds S] [--warmup S]
 *	        [--rest-us N] [--logins-per-s N] ...
 *	loadgen --secret PASSWORD
 *
 * One thread, one epoll. All but the storm log in; then it says "ready". Each line "go" on its
 * standard input is a run: it says "begin" when the warm-up has passed, "end" when the time is up,
 * and a line of JSON. "go N" is a run of N queries, without a warm-up. Without --hold one
 * run is made as if "go" had been said. It ends with its standard input, or with the line that
 * says what has gone wrong.
 *
 * With --rest-us clients wait between their queries, so that they show a latency and not what is
 * left of a CPU. With --logins-per-s the storm offers so many at even intervals, and the time of
 * each counts from then on, also where all --storm N are still busy with earlier ones.
 *
 * Against a target that wants SCRAM it has PASSWORD's keys for one salt; --secret prints the secret
 * that goes with them into a user list. So it costs no key derivation per login.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "auth/base64.h"
#include "auth/scram_client.h"
#include "base/mem.h"
#include "loadconn.h"
#include "loadreport.h"

#define LOADGEN_SALT "pgweir-bench-slt"
#define LOADGEN_LOGINS 100 /* at once */
#define LOADGEN_STUCK_US (30 * USEC_PER_SEC)

struct loadgen {
	struct loadrun run;
	struct loadconn *conns;
	unsigned count, opened;
	usec_t seconds, warmup;
	bool holds, resumes, tls;
	const char *host, *password;
	int port;
	usec_t offered_at; /* the last login of a storm with a rate */
	/* whether anything happens */
	uint64_t progress;
	usec_t progress_at;
};

/* ---- the loop ------------------------------------------------------------------------------ */

static void loadgen_watch(struct loadgen *g, usec_t now)
{
	if (g->progress != g->run.progress || g->progress_at == 0) {
		g->progress = g->run.progress;
		g->progress_at = now;
	} else if (now - g->progress_at > LOADGEN_STUCK_US) {
		loadconn_die(LOADCONN_EXIT_STUCK,
			     "nothing has come for %d s (%u log in, %" PRIu64 " unanswered)",
			     (int)(LOADGEN_STUCK_US / USEC_PER_SEC), g->run.logging_in,
			     g->run.unanswered);
	}
}

static void loadgen_turn(struct loadgen *g, int timeout_ms)
{
	struct epoll_event events[512];
	int n = epoll_wait(g->run.target.epoll, events, 512, timeout_ms);
	for (int i = 0; i < n; i++)
		loadconn_event(events[i].data.ptr, events[i].events);
}

static enum loadconn_role loadgen_role(const struct loadgen *g, unsigned id)
{
	unsigned role = 0;
	for (; id >= g->run.groups[role].count; role++)
		id -= g->run.groups[role].count;
	return (enum loadconn_role)role;
}

static void loadgen_log_in(struct loadgen *g)
{
	unsigned wanted = g->count - g->run.groups[LOADCONN_STORM].count;
	while (g->run.up < wanted) {
		while (g->opened < wanted && g->run.logging_in < LOADGEN_LOGINS) {
			unsigned id = g->opened++;
			loadconn_open(&g->conns[id], &g->run, loadgen_role(g, id), id);
		}
		loadgen_turn(g, 100);
		loadgen_watch(g, usec_now());
	}
}

/* Of the storm; NULL: all are busy. */
static struct loadconn *loadgen_closed(struct loadgen *g)
{
	for (unsigned i = g->count - g->run.groups[LOADCONN_STORM].count; i < g->count; i++)
		if (g->conns[i].link.state == LOADLINK_CLOSED)
			return &g->conns[i];
	return NULL;
}

/* Logins whose time has come. When the next one's will; USEC_NEVER. */
static usec_t loadgen_offer(struct loadgen *g, usec_t now)
{
	struct loadconn *c;
	if (!g->run.logins_per_s || !g->run.asks)
		return USEC_NEVER;
	usec_t gap = USEC_PER_SEC / g->run.logins_per_s;
	while (g->offered_at + gap <= now && (c = loadgen_closed(g))) {
		g->offered_at += gap;
		loadconn_open(c, &g->run, LOADCONN_STORM, (unsigned)(c - g->conns));
		c->asked_at = g->offered_at;
	}
	if (g->offered_at + gap <= now)
		return USEC_NEVER; /* all are busy: one that ends wakes us */
	return g->offered_at + gap;
}

static void loadgen_until(struct loadgen *g, usec_t end)
{
	for (usec_t now = usec_now(); now < end; now = usec_now()) {
		usec_t next = usec_min(loadgen_offer(g, now), loadconn_wake(&g->run, now));
		next = usec_min(usec_min(next, end), now + 100 * USEC_PER_MSEC);
		loadgen_turn(g, next > now ? (int)((next - now) / USEC_PER_MSEC) + 1 : 0);
		loadgen_watch(g, now);
		if (g->run.left == 0 && g->run.unanswered == 0)
			break;
	}
}

/* Those who rest between queries do not all begin at once. */
static void loadgen_stagger(struct loadgen *g)
{
	unsigned count = g->run.groups[LOADCONN_QUERY].count;
	usec_t now = usec_now();
	for (unsigned i = 0; i < count; i++) {
		list_remove(&g->conns[i].resting);
		loadconn_rest(&g->conns[i], now + g->run.rest_us * i / count);
	}
}

static void loadgen_wake_all(struct loadgen *g)
{
	for (unsigned i = 0; i < g->count; i++) {
		if (g->conns[i].run)
			loadconn_go(&g->conns[i]);
		if (loadgen_role(g, i) == LOADCONN_STORM && !g->run.logins_per_s &&
		    g->conns[i].link.state == LOADLINK_CLOSED)
			loadconn_open(&g->conns[i], &g->run, LOADCONN_STORM, i);
	}
}

static void loadgen_begin(struct loadgen *g)
{
	for (int role = 0; role < LOADCONN_ROLE_COUNT; role++) {
		struct loadconn_group *group = &g->run.groups[role];
		*group = (struct loadconn_group){ .count = group->count };
	}
	for (unsigned i = 0; i < g->count; i++)
		g->conns[i].done = 0;
	g->run.measures = true;
	printf("begin\n");
	fflush(stdout);
}

/* One run; queries 0: as long as it lasts. */
static void loadgen_run(struct loadgen *g, uint64_t queries)
{
	struct loadrun *run = &g->run;
	run->left = queries ? queries : UINT64_MAX;
	run->asks = true;
	g->progress_at = 0;
	g->offered_at = usec_now();
	if (run->rest_us)
		loadgen_stagger(g);
	if (queries == 0) {
		loadgen_wake_all(g);
		loadgen_until(g, usec_now() + g->warmup);
	}
	loadgen_begin(g);
	usec_t began = usec_now();
	loadgen_wake_all(g);
	loadgen_until(g, queries ? USEC_NEVER : began + g->seconds);
	run->asks = run->measures = false;
	usec_t took = usec_now() - began;
	printf("end\n");
	loadreport_print(run, g->conns, g->count, took);
	run->left = 0;
	loadgen_until(g, USEC_NEVER);
}

static void loadgen_obey(struct loadgen *g)
{
	char line[64];
	while (fgets(line, sizeof(line), stdin)) {
		if (strncmp(line, "go", 2) != 0)
			loadconn_die(LOADCONN_EXIT_USAGE, "what is %s", line);
		loadgen_run(g, strtoull(line + 2, NULL, 10));
	}
}

/* ---- set-up --------------------------------------------------------------------------------- */

static void loadgen_make_keys(const char *password, struct scram_keys *keys)
{
	uint8_t salted[SCRAM_KEY_BYTES];
	if (!scram_salt_password(slice_of(password), SLICE(LOADGEN_SALT), SCRAM_ITERATIONS,
				 salted) ||
	    !scram_derive_keys(salted, keys))
		loadconn_die(LOADCONN_EXIT_USAGE, "no keys of that password");
}

static void loadgen_print_secret(const char *password)
{
	struct scram_keys keys;
	char salt[64], stored[SCRAM_KEY_TEXT_BYTES + 1], server[SCRAM_KEY_TEXT_BYTES + 1];
	loadgen_make_keys(password, &keys);
	base64_encode(LOADGEN_SALT, strlen(LOADGEN_SALT), salt);
	base64_encode(keys.stored_key, SCRAM_KEY_BYTES, stored);
	base64_encode(keys.server_key, SCRAM_KEY_BYTES, server);
	printf("SCRAM-SHA-256$%d:%s$%s:%s\n", SCRAM_ITERATIONS, salt, stored, server);
	exit(0);
}

static enum loadconn_proto loadgen_proto(const char *name)
{
	static const char *const names[] = { "simple", "extended", "prepared" };
	for (int i = 0; i < 3; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum loadconn_proto)i;
	loadconn_die(LOADCONN_EXIT_USAGE, "what is --proto %s", name);
}

static const struct option loadgen_options[] = {
#define X(role, option) { option, required_argument, NULL, LOADCONN_##role },
	LOADCONN_ROLES(X)
#undef X
		{ "host", required_argument, NULL, 'h' },
	{ "port", required_argument, NULL, 'p' },
	{ "user", required_argument, NULL, 'U' },
	{ "database", required_argument, NULL, 'd' },
	{ "password", required_argument, NULL, 'W' },
	{ "proto", required_argument, NULL, 'P' },
	{ "seconds", required_argument, NULL, 's' },
	{ "warmup", required_argument, NULL, 'w' },
	{ "stream-bytes", required_argument, NULL, 'b' },
	{ "row-bytes", required_argument, NULL, 'r' },
	{ "app-names", required_argument, NULL, 'a' },
	{ "rest-us", required_argument, NULL, 'z' },
	{ "logins-per-s", required_argument, NULL, 'l' },
	{ "tls", no_argument, NULL, 't' },
	{ "resume", no_argument, NULL, 'R' },
	{ "tls-direct", no_argument, NULL, 'D' },
	{ "hold", no_argument, NULL, 'H' },
	{ "secret", required_argument, NULL, 'S' },
	{ NULL, 0, NULL, 0 },
};

static void loadgen_option(struct loadgen *g, int opt, const char *value)
{
	struct loadrun *run = &g->run;
	if (opt < LOADCONN_ROLE_COUNT) {
		run->groups[opt].count = (unsigned)atoi(value);
		g->count += run->groups[opt].count;
		return;
	}
	switch (opt) {
	case 'h':
		g->host = value;
		break;
	case 'p':
		g->port = atoi(value);
		break;
	case 'U':
		run->user = value;
		break;
	case 'd':
		run->database = value;
		break;
	case 'W':
		g->password = value;
		break;
	case 'P':
		run->proto = loadgen_proto(value);
		break;
	case 's':
		g->seconds = (usec_t)(atof(value) * USEC_PER_SEC);
		break;
	case 'w':
		g->warmup = (usec_t)(atof(value) * USEC_PER_SEC);
		break;
	case 'b':
		run->stream_bytes = strtoull(value, NULL, 10);
		break;
	case 'r':
		run->row_bytes = (unsigned)atoi(value);
		break;
	case 'a':
		run->app_names = (unsigned)atoi(value);
		break;
	case 'z':
		run->rest_us = atoi(value);
		break;
	case 'l':
		run->logins_per_s = (unsigned)atoi(value);
		break;
	case 'S':
		loadgen_print_secret(value);
		break;
	default:
		g->tls |= opt == 't' || opt == 'R' || opt == 'D';
		run->target.direct |= opt == 'D';
		g->resumes |= opt == 'R';
		g->holds |= opt == 'H';
	}
}

static void loadgen_prepare(struct loadgen *g)
{
	struct loadrun *run = &g->run;
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	list_init(&run->resting);
	run->target.epoll = epoll_create1(EPOLL_CLOEXEC);
	run->target.addr =
		(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)g->port) };
	if (g->port <= 0 || g->count == 0 || run->row_bytes == 0 ||
	    inet_pton(AF_INET, g->host, &run->target.addr.sin_addr) != 1)
		loadconn_die(LOADCONN_EXIT_USAGE,
			     "--port and --clients or another role are needed");
	if (g->tls && !loadlink_tls(&run->target, g->resumes))
		loadconn_die(LOADCONN_EXIT_USAGE, "no TLS here");
	if (g->password)
		loadgen_make_keys(g->password, &run->keys);
	run->scratch = mem_alloc(LOADCONN_SCRATCH_BYTES);
	g->conns = mem_zalloc(g->count * sizeof(*g->conns));
}

static void loadgen_fini(struct loadgen *g)
{
	for (unsigned i = 0; i < g->count; i++) {
		loadlink_close(&g->conns[i].link);
		buf_fini(&g->conns[i].in);
		scram_client_free(g->conns[i].scram);
	}
	loadlink_fini(&g->run.target);
	free(g->conns);
	free(g->run.scratch);
}

int main(int argc, char **argv)
{
	struct loadgen g = { .run = { .user = "bench",
				      .database = "bench",
				      .stream_bytes = 64 << 20,
				      .row_bytes = 1000 },
			     .seconds = 2 * USEC_PER_SEC,
			     .host = "127.0.0.1" };
	int opt;
	while ((opt = getopt_long(argc, argv, "", loadgen_options, NULL)) != -1) {
		if (opt == '?')
			exit(LOADCONN_EXIT_USAGE);
		loadgen_option(&g, opt, optarg);
	}
	loadgen_prepare(&g);
	loadgen_log_in(&g);
	printf("ready\n");
	fflush(stdout);
	if (g.holds)
		loadgen_obey(&g);
	else
		loadgen_run(&g, 0);
	loadgen_fini(&g);
	return 0;
}
