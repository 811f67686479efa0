/*
 * branch.c - which of a worker's clients hear which channel.
 */
#include "proxy/branch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/loop.h"
#include "proxy/ear.h"
#include "proxy/ear_hear.h"
#include "proxy/hub.h"
#include "proxy/note.h"
#include "proxy/worker.h"

/* How long a channel is wanted for nobody, at least; at most twice as long. */
#define BRANCH_SWEEP_US (5 * USEC_PER_SEC)

struct branch_channel {
	struct list seats; /* branch_seat->on_channel */
	uint64_t asked;    /* with which wish it was asked for */
	bool is_spare;     /* nobody was there at the last sweep */
};

/* An ear in front of a channel. The ear has an array of them. */
struct branch_seat {
	struct list on_channel;
	struct ear *ear;
};

/* ---- life -------------------------------------------------------------------------------------
 */

static void branch_on_sweep(struct timer *t, usec_t now);

struct branch *branch_find(struct worker *w, const struct hub *hub)
{
	LIST_EACH (node, tmp, &w->branches) {
		struct branch *branch = LIST_ENTRY(node, struct branch, on_worker);
		if (branch->hub == hub)
			return branch;
	}
	return NULL;
}

struct branch *branch_get(struct worker *w, struct hub *hub)
{
	struct branch *branch = branch_find(w, hub);
	if (branch)
		return branch;
	branch = mem_zalloc(sizeof(*branch));
	branch->hub = hub_ref(hub);
	branch->worker = w;
	map_init(&branch->channels);
	map_init(&branch->marks);
	list_init(&branch->ears);
	list_push_back(&w->branches, &branch->on_worker);
	wheel_init_timer(&branch->sweep, branch_on_sweep);
	loop_set_timer(w->loop, &branch->sweep, loop_now(w->loop) + BRANCH_SWEEP_US);
	return branch;
}

static void branch_free(struct branch *branch)
{
	struct slice name;
	void *channel;
	BUG_ON(!list_is_empty(&branch->ears));
	loop_clear_timer(&branch->sweep);
	list_remove(&branch->on_worker);
	for (size_t at = 0; map_next(&branch->channels, &at, &name, &channel);)
		free(channel);
	map_fini(&branch->channels);
	map_fini(&branch->marks);
	hub_unref(branch->hub);
	free(branch);
}

void branch_stop_all(struct worker *w)
{
	LIST_EACH (node, tmp, &w->branches)
		loop_clear_timer(&LIST_ENTRY(node, struct branch, on_worker)->sweep);
}

void branch_free_all(struct worker *w)
{
	LIST_EACH (node, tmp, &w->branches)
		branch_free(LIST_ENTRY(node, struct branch, on_worker));
}

/* Gives up the channels that nobody has heard for a while; false: there are others. */
static bool branch_drop_spare(struct branch *branch)
{
	struct buf names = { 0 };
	struct slice name;
	void *value;
	for (size_t at = 0; map_next(&branch->channels, &at, &name, &value);) {
		struct branch_channel *channel = value;
		bool was_spare = channel->is_spare;
		channel->is_spare = list_is_empty(&channel->seats);
		if (!channel->is_spare || !was_spare)
			continue;
		buf_add_slice(&names, name);
		buf_u8(&names, 0);
		map_remove(&branch->channels, name);
		free(channel);
	}
	if (buf_len(&names))
		hub_drop(branch->hub, branch->worker, &names);
	buf_fini(&names);
	return map_count(&branch->channels) == 0;
}

static void branch_on_sweep(struct timer *t, usec_t now)
{
	struct branch *branch = CONTAINER_OF(t, struct branch, sweep);
	struct worker *w = branch->worker;
	if (w->stopping)
		return;
	bool is_needed = !branch->dismissed_by && !branch_drop_spare(branch);
	if (!is_needed && list_is_empty(&branch->ears)) {
		hub_bye(branch->hub, w);
		branch_free(branch);
	} else {
		loop_set_timer(w->loop, &branch->sweep, now + BRANCH_SWEEP_US);
	}
	worker_settle(w, now);
}

/* ---- who hears what ----------------------------------------------------------------------------
 */

static struct branch_channel *branch_channel(struct branch *branch, struct slice name,
					     uint64_t asked)
{
	struct branch_channel *channel = map_get(&branch->channels, name);
	if (channel)
		return channel;
	channel = mem_zalloc(sizeof(*channel));
	list_init(&channel->seats);
	channel->asked = asked;
	map_put(&branch->channels, name, channel);
	return channel;
}

uint64_t branch_join(struct branch *branch, struct ear *ear, bool is_there)
{
	struct buf names = { 0 };
	uint64_t next = worker_new_id(branch->worker);
	ear->branch = branch;
	atomic_fetch_add(&branch->hub->listeners, 1);
	/* one that nobody has heard from must find a place for its server first */
	bool is_spare = !is_there && !atomic_load(&branch->hub->is_lent);
	ear->asked = is_spare ? next : 0;
	list_push_back(&branch->ears, &ear->on_branch);
	ear->seats = mem_zalloc((ear->count ? ear->count : 1) * sizeof(*ear->seats));
	for (size_t i = 0; i < ear->count; i++) {
		struct slice name = slice_of(ear->names[i]);
		size_t before = map_count(&branch->channels);
		struct branch_channel *channel = branch_channel(branch, name, next);
		if (map_count(&branch->channels) > before && !is_there) {
			buf_add_slice(&names, name);
			buf_u8(&names, 0);
		}
		if (channel->asked > ear->asked)
			ear->asked = channel->asked;
		ear->seats[i].ear = ear;
		list_push_back(&channel->seats, &ear->seats[i].on_channel);
	}
	if (buf_len(&names) || is_spare)
		hub_want(branch->hub, branch->worker, next, &names);
	buf_fini(&names);
	return next;
}

/* It ends with the last of its ears, but not under the feet of who sees to them now. */
static void branch_end_if_empty(struct branch *branch)
{
	struct loop *loop = branch->worker->loop;
	if (list_is_empty(&branch->ears) && !branch->worker->stopping)
		loop_set_timer(loop, &branch->sweep, loop_now(loop));
}

void branch_leave(struct ear *ear)
{
	if (!ear->branch)
		return;
	for (size_t i = 0; i < ear->count; i++)
		list_remove(&ear->seats[i].on_channel);
	if (atomic_fetch_sub(&ear->branch->hub->listeners, 1) == 1 &&
	    !ear->branch->worker->stopping)
		hub_is_spare(ear->branch->hub, ear->branch->worker);
	free(ear->seats);
	ear->seats = NULL;
	list_remove(&ear->on_branch);
	if (ear->branch->dismissed_by)
		branch_end_if_empty(ear->branch);
	ear->branch = NULL;
}

bool branch_has(const struct branch *branch, const struct ear *ear)
{
	return ear->asked <= branch->there;
}

void branch_mark(struct branch *branch, struct ear *ear, const char *payload)
{
	map_put(&branch->marks, slice_of(payload), ear);
}

void branch_unmark(struct branch *branch, const char *payload)
{
	map_remove(&branch->marks, slice_of(payload));
}

/* ---- what the hub says --------------------------------------------------------------------------
 */

void branch_heard(struct branch *branch, struct note *note, usec_t now)
{
	struct slice name, payload;
	if (!note_read(note_body(note), &name, &payload))
		return;
	if (slice_eq_str(name, branch->hub->marker)) {
		struct ear *ear = map_remove(&branch->marks, payload);
		if (ear)
			ear_hear_marker(ear, EAR_HEAR_HUB, now);
		return;
	}
	struct branch_channel *channel = map_get(&branch->channels, name);
	if (!channel)
		return;
	LIST_EACH (node, tmp, &channel->seats)
		ear_hear_hub(LIST_ENTRY(node, struct branch_seat, on_channel)->ear, note, now);
}

void branch_is_there(struct branch *branch, uint64_t seq, usec_t now)
{
	branch->there = seq;
	LIST_EACH (node, tmp, &branch->ears) {
		struct ear *ear = LIST_ENTRY(node, struct ear, on_branch);
		if (branch_has(branch, ear))
			ear_is_there(ear, now);
	}
}

void branch_dismiss(struct branch *branch, const char *by, usec_t now)
{
	branch->dismissed_by = by;
	branch_end_if_empty(branch);
	LIST_EACH (node, tmp, &branch->ears)
		ear_dismiss(LIST_ENTRY(node, struct ear, on_branch), now);
}

void branch_lost(struct branch *branch, usec_t now)
{
	/* who loses it may join another at once */
	for (struct ear *ear; (ear = LIST_FIRST(&branch->ears, struct ear, on_branch));)
		ear_lost_hub(ear, now); /* leaves the branch */
	branch_free(branch);
}
