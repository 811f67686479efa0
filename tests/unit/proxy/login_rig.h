/*
 * login_rig.h - logging in to the tests' own PostgreSQL, and talking to it afterwards.
 */
#ifndef LOGIN_RIG_H
#define LOGIN_RIG_H

#include "auth/scram.h"
#include "check_proxy.h"
#include "proxy/connector.h"

/* One login and its outcome. */
struct visit {
	struct office *office;
	struct connector *connector; /* until the outcome is there */
	bool over, ok;
	struct connector_link link;
	struct connector_fault fault;
};

/* A connector for the user, over TCP ("127.0.0.1") with that password (NULL: none). */
void visit_init(struct visit *v, struct office *o, const char *user, const char *password);
void visit_start(struct visit *v, usec_t within_us);
void visit_wait(struct visit *v);
void visit_go(struct visit *v);   /* starts, and waits at most the 20 seconds that it has */
void visit_must(struct visit *v); /* and must have succeeded */
/* The same with a connect_timeout. False: the server's own login took longer than that, as it may
 * where the machine is busy: make the visit anew. */
bool visit_is_in_time(struct visit *v);
void visit_leave(struct visit *v);

/* The SCRAM keys of a user, from the secret that the server keeps and the password. */
void rig_keys(const char *user, struct scram_keys *keys);

/* Sends a Query over the link and reads to ReadyForQuery. The first value of the last row, or
 * "SQLSTATE" of an error. */
void rig_query(const struct connector_link *link, const char *sql, char *out, size_t n);
void rig_send(const struct connector_link *link, const char *sql);
void rig_answer(const struct connector_link *link, char *out, size_t n);

/* A TCP socket that listens, and whose peers get nothing: connected but not answered, or, when
 * `full`, not even connected. */
int rig_silent(int *port, bool full);

/* The same at 127.0.0.2, which is the first address of a host of this name; 127.0.0.1 is the
 * second. */
#define RIG_NAME "two.addresses.test"
int rig_silent_neighbour(int port, bool full);

#endif
