/*
 * authtarget.h - one database that auth_query runs in: one connection, and who waits for it.
 *
 * The connection is logged in as auth_user when the first question comes, is used for one question
 * at a time, and is closed when nobody has asked for a while. After a failed login the next ones
 * fail at once until server_login_retry has passed. One that idled and turns out to be dead is
 * replaced, and the question is asked again.
 *
 * What its sessions begin with is fixed here, and nothing that a client says gets into it:
 * search_path is pg_catalog, names are compared byte for byte, and the server gives a query up
 * when nobody waits for it any more.
 *
 * Owned by authquery. Thread: main.
 */
#ifndef PROXY_AUTHTARGET_H
#define PROXY_AUTHTARGET_H

#include <stdbool.h>

#include "base/list.h"
#include "base/slice.h"
#include "proxy/authquery.h"

struct authtarget;
struct authtarget_question;
struct helper_crew;
struct loop;
struct mailbox;
struct secret;
struct setup;

struct authtarget_result {
	enum authquery_verdict verdict;
	struct secret *secret; /* borrowed; of YES */
	usec_t lasts;          /* of YES: how long it is valid; USEC_NEVER */
	const char *why;       /* of FAILED */
	bool is_nowhere;       /* of NO: there is no such database */
};

/* Its own memory is the asker's again from that call on. */
typedef void (*authtarget_fn)(struct authtarget_question *q, const struct authtarget_result *result,
			      usec_t now);

struct authtarget_question {
	authtarget_fn done;
	const char *sql, *user; /* stay until it is done */

	/* the target's */
	struct list link;
	usec_t deadline;
	bool is_second; /* the connection was lost over it once */
};

struct authtarget_options {
	struct loop *loop; /* main's, none of these is owned */
	struct mailbox *box;
	struct helper_crew *crew;
	struct setup *setup;     /* a reference is taken */
	struct slice database;   /* as [databases] or a client names it; copied */
	const char *auth_user;   /* copied */
	usec_t timeout;          /* of a login, and of a question */
	usec_t retry;            /* after a failed login */
	bool is_named_by_client; /* it may well not exist */
	/* It has nothing to do and nothing to remember: free it, or let it be. */
	void (*on_idle)(struct authtarget *t, void *arg);
	void *arg;
};

struct authtarget *authtarget_new(const struct authtarget_options *options);
void authtarget_free(struct authtarget *t); /* no helper has anything of it; nobody waits */

void authtarget_ask(struct authtarget *t, struct authtarget_question *q, usec_t now);

/* It has logged in and not failed since: the database exists. */
bool authtarget_is_proven(const struct authtarget *t);

/* Is a helper at work for it, or somebody waiting? */
bool authtarget_is_busy(const struct authtarget *t);

/* The configuration is another one: on_idle comes as soon as nobody waits any more. */
void authtarget_retire(struct authtarget *t, usec_t now);

#endif
