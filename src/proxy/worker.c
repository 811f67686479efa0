/*
 * worker.c - one thread: how it starts, what main mails it, and how it ends.
 */
#include "proxy/worker.h"
#include "proxy/vacate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "proxy/bailiff.h"
#include "proxy/branch.h"
#include "proxy/client.h"
#include "proxy/command.h"
#include "proxy/door.h"
#include "proxy/intake.h"
#include "proxy/journal.h"
#include "proxy/localpool.h"
#include "proxy/login.h"
#include "proxy/paramset.h"
#include "proxy/server.h"
#include "proxy/spare.h"

/* What PgBouncer tracks too; IntervalStyle comes with the default of track_extra_parameters. */
static const char *const worker_tracked[] = { "client_encoding", "DateStyle", "TimeZone",
					      "standard_conforming_strings", "application_name" };

bool worker_tracks(const struct worker *w, struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(worker_tracked); i++)
		if (slice_ieq_str(name, worker_tracked[i]))
			return true;
	return conf_list_has_nocase(&w->setup->conf->global.track_extra_parameters, name);
}

uint64_t worker_new_id(struct worker *w)
{
	return ++w->next_id * PROXY_MAX_WORKERS + w->index;
}

/* ---- after every event -------------------------------------------------------------------- */

static void worker_end_if_done(struct worker *w)
{
	if (w->pending == 0 && list_is_empty(&w->client_list))
		loop_stop(w->loop);
}

void worker_settle(struct worker *w, usec_t now)
{
	if (w->carrying_out)
		return;
	bailiff_carry_out(w, now);
	struct localpool *lp;
	while ((lp = LIST_FIRST(&w->touched, struct localpool, touched))) {
		list_remove(&lp->touched);
		usec_t next = pool_next(&lp->slice);
		if (next != lp->tick.deadline) /* else it is armed for that */
			loop_set_timer(w->loop, &lp->tick, next);
		if (list_is_empty(&lp->clients) || list_is_on(&lp->spare))
			spare_review(lp, now);
	}
	if (UNLIKELY(w->stopping))
		worker_end_if_done(w);
}

void worker_done_pending(struct worker *w)
{
	BUG_ON(w->pending == 0);
	w->pending--;
}

/* ---- mail from main -------------------------------------------------------------------------- */

struct worker_mail {
	struct mail mail;
	struct setup *setup;
};

static void worker_send(struct worker *w, struct worker_mail m)
{
	struct worker_mail *sent = mem_alloc(sizeof(*sent));
	*sent = m;
	mailbox_send(w->box, &sent->mail);
}

/* Pools that are to be warm without clients: those whose user the configuration names. */
static void worker_warm_up(struct worker *w, usec_t now)
{
	const struct conf *conf = w->setup->conf;
	enum error_id refusal;
	for (size_t i = 0; i < conf->database_count; i++) {
		const struct conf_database *db = &conf->databases[i];
		struct conf_pool settings;
		if (!*db->user || strcmp(db->name, "*") == 0)
			continue;
		conf_resolve(conf, db, conf_find_user(conf, slice_of(db->user)), &settings);
		if (settings.min_pool_size > 0)
			localpool_get(w, slice_of(db->name), slice_of(db->user), SLICE(""),
				      &refusal, now);
	}
}

static void worker_on_setup(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct worker_mail *m = CONTAINER_OF(mail, struct worker_mail, mail);
	struct setup *old = w->setup;
	w->setup = m->setup;
	free(m);
	LIST_EACH (node, tmp, &w->pool.slices)
		localpool_configure(
			localpool_of_slice(LIST_ENTRY(node, struct pool_slice, on_worker)), now);
	setup_unref(old);
	door_configure(w);
	if (w->index == 0)
		worker_warm_up(w, now);
	worker_settle(w, now);
}

void worker_mail_setup(struct worker *w, struct setup *setup)
{
	worker_send(w, (struct worker_mail){ .mail.deliver = worker_on_setup,
					     .setup = setup_ref(setup) });
}

/* No query runs on for a client that is gone already, and nobody waits for a goodbye. */
static void worker_give_up_servers(struct localpool *lp, usec_t now)
{
	LIST_EACH (node, tmp, &lp->servers) {
		struct server *s = LIST_ENTRY(node, struct server, link);
		if (s->state == SERVER_CLEANING && track_outstanding_syncs(&s->track))
			server_cancel(s, now);
		server_close_at_once(s, now);
	}
}

static void worker_on_stop(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	free(CONTAINER_OF(mail, struct worker_mail, mail));
	w->stopping = true;
	loop_clear_timer(&w->balancer.timer);
	door_leave(w);
	LIST_EACH (node, tmp, &w->client_list)
		client_fail(LIST_ENTRY(node, struct client, link), ERROR_SHUTDOWN, NULL, NULL, now);
	LIST_EACH (at, next, &w->pool.slices) {
		struct localpool *lp =
			localpool_of_slice(LIST_ENTRY(at, struct pool_slice, on_worker));
		worker_give_up_servers(lp, now);
		pool_pause(&lp->slice, now);
		pool_kill(&lp->slice, now);
		localpool_touch(lp);
	}
	command_give_up(w, now);
	worker_settle(w, now);
}

void worker_mail_stop(struct worker *w)
{
	worker_send(w, (struct worker_mail){ .mail.deliver = worker_on_stop });
}

/* ---- life -------------------------------------------------------------------------------------
 */

struct worker *worker_new(struct worker_shared *shared, unsigned index, struct setup *setup,
			  struct tap_ring *tap, struct err *err)
{
	char name[24];
	struct worker *w = mem_zalloc(sizeof(*w));
	snprintf(name, sizeof(name), "worker %u", index);
	w->shared = shared;
	w->index = index;
	w->tap = tap;
	w->loop = loop_new(name, err);
	if (!w->loop) {
		free(w);
		return NULL;
	}
	w->box = mailbox_new(w->loop, w, err);
	if (!w->box) {
		loop_free(w->loop);
		free(w);
		return NULL;
	}
	w->setup = setup_ref(setup);
	w->scratch = mem_alloc(WORKER_SCRATCH_BYTES);
	w->no_params = paramset_empty(shared->params);
	slab_init(&w->clients, sizeof(struct client));
	list_init(&w->client_list);
	list_init(&w->at_gate);
	wheel_init_timer(&w->gate_timer, login_gate_on_timer);
	list_init(&w->idle_journals);
	list_init(&w->touched);
	list_init(&w->commands);
	list_init(&w->branches);
	list_init(&w->vacates);
	map_init(&w->keys);
	map_init(&w->pools);
	spare_init(w);
	balancer_init(w);
	pool_worker_init(&w->pool, index);
	loop_set_io_bytes(w->loop, setup->conf->global.debug_io_bytes);
	return w;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	balancer_start(w, usec_now());
	loop_run(w->loop);
	atomic_store(&w->ended, true);
	return NULL;
}

bool worker_start(struct worker *w, struct err *err)
{
	char name[THREAD_NAME_BYTES];
	snprintf(name, sizeof(name), "worker %u", w->index);
	int rc = thread_start(&w->thread, name, worker_main, w);
	if (rc != 0)
		return err_set(err, "cannot start a worker thread: %s", strerror(rc));
	w->started = true;
	return true;
}

bool worker_has_ended(const struct worker *w)
{
	return !w->started || atomic_load(&w->ended);
}

void worker_join(struct worker *w)
{
	if (w->started)
		pthread_join(w->thread, NULL);
	w->started = false;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	struct slice key;
	void *value;
	mailbox_free(w->box);
	w->carrying_out = true; /* no timer is to be set any more */
	door_leave(w);
	loop_clear_timer(&w->spare_timer);
	loop_clear_timer(&w->balancer.timer);
	loop_clear_timer(&w->gate_timer);
	branch_stop_all(w);
	vacate_stop_all(w);
	for (size_t at = 0; map_next(&w->pools, &at, &key, &value);)
		loop_clear_timer(&((struct localpool *)value)->tick);
	loop_free(w->loop); /* reaps what was closed last */
	branch_free_all(w);
	for (size_t at = 0; map_next(&w->pools, &at, &key, &value);)
		localpool_free(value);
	map_fini(&w->pools);
	map_fini(&w->keys);
	pool_worker_fini(&w->pool);
	journal_free_idle(w);
	slab_fini(&w->clients);
	paramset_unref(w->no_params);
	setup_unref(w->setup);
	intake_free_spare(w);
	free(w->scratch);
	free(w);
}
