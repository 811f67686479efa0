/*
 * branch.h - one worker's part of a hub: who of its clients hears which channel.
 *
 * Channels stay wanted for a while after the last who heard them, since a client that comes home
 * for a transaction is back soon; a branch that nobody needs ends the same way.
 *
 * Owner: the worker. Thread: worker.
 */
#ifndef PROXY_BRANCH_H
#define PROXY_BRANCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "base/usec.h"
#include "base/wheel.h"

struct ear;
struct hub;
struct note;
struct worker;

struct branch {
	struct hub *hub; /* a reference */
	struct worker *worker;
	struct list on_worker;    /* worker->branches */
	struct map channels;      /* name -> branch_channel, owned */
	struct map marks;         /* a marker's payload -> the ear that waits for it */
	struct list ears;         /* ear->on_branch */
	uint64_t there;           /* the last wish of ours that the hub has done */
	const char *dismissed_by; /* static: who is there is to leave, and it ends with the last */
	struct timer sweep;
};

/* The worker's branch of the hub, made where there is none; and it, or NULL. */
struct branch *branch_get(struct worker *w, struct hub *hub);
struct branch *branch_find(struct worker *w, const struct hub *hub);

/* It wants to hear its channels: ear_is_there follows, if branch_has says no. `is_there`: its
 * server is to be the hub's, and listens to them already; others wait until the hub has done the
 * wish whose number is returned. */
uint64_t branch_join(struct branch *branch, struct ear *ear, bool is_there);
void branch_leave(struct ear *ear);

/* Does the hub listen to all that it wants? */
bool branch_has(const struct branch *branch, const struct ear *ear);

/* The payload of the marker that it waits for. */
void branch_mark(struct branch *branch, struct ear *ear, const char *payload);
void branch_unmark(struct branch *branch, const char *payload);

/* The hub's mails. */
void branch_heard(struct branch *branch, struct note *note, usec_t now);
void branch_is_there(struct branch *branch, uint64_t seq, usec_t now);
void branch_dismiss(struct branch *branch, const char *by, usec_t now);
void branch_lost(struct branch *branch, usec_t now);

/* When the worker ends: before its loop goes; and once its clients are gone. */
void branch_stop_all(struct worker *w);
void branch_free_all(struct worker *w);

#endif
