/*
 * hub.c - what the shared listener of a database listens to, and for whom.
 */
#include "proxy/hub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "proxy/branch.h"
#include "proxy/errand.h"
#include "proxy/heir.h"
#include "proxy/hub_place.h"
#include "proxy/hub_sql.h"
#include "proxy/hub_table.h"
#include "proxy/localpool.h"
#include "proxy/note.h"
#include "proxy/paramset.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/worker.h"

/* What one channel is wanted by: a bit per worker. */
struct hub_channel {
	uint64_t workers;
};

/* ---- life -------------------------------------------------------------------------------------
 */

struct hub *hub_new(struct hub_table *table, struct slice key, uint64_t mark)
{
	struct hub *hub = mem_zalloc(sizeof(*hub));
	atomic_init(&hub->refs, 0);
	atomic_init(&hub->owner, HUB_NOBODY);
	hub->table = table;
	hub->key = slice_make(slice_dup(key), key.len);
	snprintf(hub->marker, sizeof(hub->marker), "pgweir_%016" PRIx64, mark);
	map_init(&hub->channels);
	return hub;
}

struct hub *hub_ref(struct hub *hub)
{
	atomic_fetch_add(&hub->refs, 1);
	return hub;
}

static void hub_free(struct hub *hub)
{
	struct slice name;
	void *channel;
	BUG_ON(hub->heir);
	for (size_t at = 0; map_next(&hub->channels, &at, &name, &channel);)
		free(channel);
	map_fini(&hub->channels);
	buf_fini(&hub->todo);
	free((void *)(uintptr_t)hub->key.ptr);
	free(hub);
}

void hub_unref(struct hub *hub)
{
	if (hub && hub_table_unref(hub))
		hub_free(hub);
}

bool hub_claim(struct hub *hub, unsigned worker)
{
	int nobody = HUB_NOBODY;
	return atomic_compare_exchange_strong(&hub->owner, &nobody, (int)worker);
}

/* ---- mails ------------------------------------------------------------------------------------
 */

/* The first six are for the owner. */
enum hub_word {
	HUB_WANT,
	HUB_DROP,
	HUB_BYE,
	HUB_SPARE,
	HUB_DOUBT,
	HUB_YIELD,
	HUB_THERE,
	HUB_NOTE,
	HUB_LEAVE,
	HUB_LOST
};

struct hub_mail {
	struct mail mail;
	struct hub *hub; /* a reference */
	enum hub_word word;
	unsigned from;
	uint64_t seq;
	struct buf names;
	struct note *note; /* a reference */
	const char *by;    /* LEAVE: static */
};

static void hub_take(struct hub *hub, struct worker *w, const struct hub_mail *m, usec_t now);

static void hub_tell_branch(struct worker *w, const struct hub_mail *m, usec_t now)
{
	struct branch *branch = branch_find(w, m->hub);
	if (!branch)
		return;
	if (m->word == HUB_NOTE)
		branch_heard(branch, m->note, now);
	else if (m->word == HUB_THERE)
		branch_is_there(branch, m->seq, now);
	else if (m->word == HUB_LEAVE)
		branch_dismiss(branch, m->by, now);
	else
		branch_lost(branch, now);
}

static void hub_on_mail(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct hub_mail *m = CONTAINER_OF(mail, struct hub_mail, mail);
	bool is_ours = m->word <= HUB_YIELD;
	if (!w->stopping) {
		if (is_ours)
			hub_take(m->hub, w, m, now);
		else
			hub_tell_branch(w, m, now);
		worker_settle(w, now);
	}
	note_unref(m->note);
	hub_unref(m->hub);
	buf_fini(&m->names);
	free(m);
}

static void hub_send(struct hub *hub, struct worker_shared *shared, unsigned to,
		     struct hub_mail content)
{
	struct hub_mail *m = mem_alloc(sizeof(*m));
	*m = content;
	m->mail.deliver = hub_on_mail;
	m->hub = hub_ref(hub);
	mailbox_send(shared->workers[to]->box, &m->mail);
}

static void hub_send_owner(struct hub *hub, struct worker *from, struct hub_mail content)
{
	content.from = from->index;
	hub_send(hub, from->shared, (unsigned)atomic_load(&hub->owner), content);
}

void hub_want(struct hub *hub, struct worker *from, uint64_t seq, struct buf *names)
{
	hub_send_owner(hub, from,
		       (struct hub_mail){ .word = HUB_WANT, .seq = seq, .names = *names });
	*names = (struct buf){ 0 };
}

void hub_drop(struct hub *hub, struct worker *from, struct buf *names)
{
	hub_send_owner(hub, from, (struct hub_mail){ .word = HUB_DROP, .names = *names });
	*names = (struct buf){ 0 };
}

void hub_bye(struct hub *hub, struct worker *from)
{
	hub_send_owner(hub, from, (struct hub_mail){ .word = HUB_BYE });
}

void hub_is_spare(struct hub *hub, struct worker *from)
{
	hub_send_owner(hub, from, (struct hub_mail){ .word = HUB_SPARE });
}

void hub_doubt(struct hub *hub, struct worker *from)
{
	hub_send_owner(hub, from, (struct hub_mail){ .word = HUB_DOUBT });
}

void hub_yield(struct hub *hub, struct worker *from)
{
	hub_send_owner(hub, from, (struct hub_mail){ .word = HUB_YIELD });
}

/* ---- the owner's side --------------------------------------------------------------------------
 */

struct slice hub_encoding(const struct hub *hub)
{
	size_t database = strlen(hub->key.ptr) + 1;
	return slice_skip(hub->key, database);
}

void hub_fit(const struct hub *hub, struct server *s, usec_t now)
{
	struct paramset *none = s->pool->worker->no_params;
	struct slice encoding = hub_encoding(hub);
	struct paramset *wanted = encoding.len
					  ? paramset_with(none, SLICE("client_encoding"), encoding)
					  : paramset_ref(none);
	if (s->params != wanted) {
		errand_set_params(s, wanted, false, now);
		server_send(s, SLICE_NONE, now);
	}
	paramset_unref(wanted);
}

void hub_unfit(struct server *s, usec_t now)
{
	if (s != s->hub->server)
		server_close(s, "it did not take the parameters of a listener", now);
}

/* The next of the names, each with a zero behind it. */
static bool hub_next_name(struct slice *names, struct slice *name)
{
	if (names->len == 0)
		return false;
	*name = slice_head(*names, strnlen(names->ptr, names->len));
	*names = slice_skip(*names, name->len < names->len ? name->len + 1 : names->len);
	return true;
}

/* True: nobody wanted it before. */
static bool hub_add_channel(struct hub *hub, struct slice name, unsigned worker)
{
	struct hub_channel *channel = map_get(&hub->channels, name);
	bool is_new = !channel;
	if (is_new) {
		channel = mem_zalloc(sizeof(*channel));
		map_put(&hub->channels, name, channel);
	}
	channel->workers |= UINT64_C(1) << worker;
	return is_new;
}

static void hub_take_want(struct hub *hub, const struct hub_mail *m)
{
	struct slice names = buf_slice(&m->names), name;
	while (hub_next_name(&names, &name))
		if (hub_add_channel(hub, name, m->from))
			hub_sql_add(&hub->todo, "LISTEN", name);
	hub->members |= UINT64_C(1) << m->from;
	hub->asked[m->from] = m->seq;
}

static void hub_take_drop(struct hub *hub, const struct hub_mail *m)
{
	struct slice names = buf_slice(&m->names), name;
	while (hub_next_name(&names, &name)) {
		struct hub_channel *channel = map_get(&hub->channels, name);
		if (!channel)
			continue;
		channel->workers &= ~(UINT64_C(1) << m->from);
		if (channel->workers)
			continue;
		map_remove(&hub->channels, name);
		free(channel);
		hub_sql_add(&hub->todo, "UNLISTEN", name);
	}
}

static void hub_tell_members(struct hub *hub, const struct worker *w, enum hub_word word,
			     struct note *note)
{
	for (unsigned i = 0; i < w->shared->worker_count; i++)
		if (hub->members & (UINT64_C(1) << i))
			hub_send(hub, w->shared, i,
				 (struct hub_mail){ .word = word,
						    .note = note ? note_ref(note) : NULL,
						    .by = hub->dismissed_by });
}

/* Nobody hears from it; who is about to is told that it has ended. */
static void hub_close(struct hub *hub, usec_t now)
{
	struct server *s = hub->server;
	hub_table_end(hub);
	LOG_INFO("server %s/%s pid %d: the shared listener is not needed any more",
		 s->pool->route->database, s->pool->route->user, s->pid);
	heir_end(hub, now);
	hub_place_give(hub);
	hub_tell_members(hub, s->pool->worker, HUB_LOST, NULL);
	hub->server = NULL;
	s->hub = NULL;
	server_stop_listening(s, now);
	hub_unref(hub);
}

void hub_expect_answer(struct hub *hub, usec_t now)
{
	struct server *s = hub->server;
	if (wheel_is_armed(&s->timer))
		return;
	loop_set_timer(s->pool->worker->loop, &s->timer,
		       usec_after(now, s->pool->settings.server_connect_timeout_us));
}

void hub_query(struct hub *hub, struct slice sql, usec_t now)
{
	errand_query(hub->server, SERVER_ERRAND_LISTEN, sql, now);
	hub_expect_answer(hub, now);
}

/* It is asked for an answer, whatever, unless it owes one already. */
static void hub_probe(struct hub *hub, usec_t now)
{
	struct buf sql = { 0 };
	if (hub->server->errand != SERVER_ERRAND_NONE) {
		hub_expect_answer(hub, now);
		return;
	}
	hub_sql_add(&sql, "LISTEN", slice_of(hub->marker));
	hub_query(hub, buf_slice(&sql), now);
	buf_fini(&sql);
}

static void hub_take(struct hub *hub, struct worker *w, const struct hub_mail *m, usec_t now)
{
	if (!hub->server) {
		if (m->word == HUB_WANT) /* it has ended meanwhile */
			hub_send(hub, w->shared, m->from, (struct hub_mail){ .word = HUB_LOST });
		return;
	}
	switch (m->word) {
	case HUB_WANT:
		hub_take_want(hub, m);
		if (!hub_place_take(hub)) {
			hub_close(hub, now);
			return;
		}
		if (hub->dismissed_by) /* it does not know yet */
			hub_send(hub, w->shared, m->from,
				 (struct hub_mail){ .word = HUB_LEAVE, .by = hub->dismissed_by });
		break;
	case HUB_DROP:
		hub_take_drop(hub, m);
		break;
	case HUB_BYE:
		hub->members &= ~(UINT64_C(1) << m->from);
		hub->asked[m->from] = hub->running[m->from] = hub->told[m->from] = 0;
		break;
	case HUB_SPARE:
		if (atomic_load(&hub->listeners) == 0 && atomic_load(&hub->is_lent))
			hub_place_rest(hub);
		break;
	case HUB_DOUBT:
		hub_probe(hub, now);
		break;
	case HUB_YIELD:
		hub->yields |= atomic_load(&hub->listeners) == 0;
		break;
	case HUB_THERE:
	case HUB_NOTE:
	case HUB_LEAVE:
	case HUB_LOST:
		break;
	}
	hub_settle(hub->server, now);
}

/* Those whose last wish came before what its server was told last. */
static void hub_tell_there(struct hub *hub, const uint64_t *upto)
{
	struct worker_shared *shared = hub->server->pool->worker->shared;
	for (unsigned i = 0; i < shared->worker_count; i++) {
		if (hub->told[i] == upto[i])
			continue;
		hub->told[i] = upto[i];
		hub_send(hub, shared, i, (struct hub_mail){ .word = HUB_THERE, .seq = upto[i] });
	}
}

void hub_settle(struct server *s, usec_t now)
{
	struct hub *hub = s->hub;
	if (hub->heir)
		heir_settle(hub, now);
	if (s->hub != hub || s != hub->server || s->errand != SERVER_ERRAND_NONE)
		return;
	if (hub->members == 0 || (hub->yields && atomic_load(&hub->listeners) == 0)) {
		hub_close(hub, now);
		return;
	}
	if (buf_len(&hub->todo) == 0) {
		hub_tell_there(hub, hub->asked);
		return;
	}
	if (heir_forbids(hub))
		return;
	memcpy(hub->running, hub->asked, sizeof(hub->running));
	struct buf sql = hub->todo;
	hub->todo = (struct buf){ 0 };
	hub_query(hub, buf_slice(&sql), now);
	buf_fini(&sql);
}

void hub_answered(struct server *s, bool failed, usec_t now)
{
	struct hub *hub = s->hub;
	if (s != hub->server) {
		heir_answered(hub, failed, now);
		return;
	}
	loop_clear_timer(&s->timer);
	if (failed)
		server_close(s, "it would not listen", now);
	else
		hub_tell_there(hub, hub->running);
}

void hub_adopt(struct hub *hub, struct server *s, struct slice names, uint64_t seq, usec_t now)
{
	struct slice name;
	unsigned worker = s->pool->worker->index;
	hub->server = s;
	s->hub = hub_ref(hub);
	while (hub_next_name(&names, &name))
		hub_add_channel(hub, name, worker);
	hub->members = UINT64_C(1) << worker;
	hub->asked[worker] = seq;
	hub->since = now;
	hub->target = route_target(s->pool->route);
	atomic_store(&hub->is_lent, true);
	hub_sql_add(&hub->todo, "LISTEN", slice_of(hub->marker));
	hub_fit(hub, s, now);
	LOG_INFO("server %s/%s pid %d: is the shared listener of its database from now on",
		 s->pool->route->database, s->pool->route->user, s->pid);
	hub_settle(s, now);
}

void hub_dismiss(struct hub *hub, const char *by, usec_t now)
{
	if (hub->dismissed_by)
		return;
	hub->dismissed_by = by;
	heir_end(hub, now);
	hub_table_end(hub);
	hub_tell_members(hub, hub->server->pool->worker, HUB_LEAVE, NULL);
	hub_settle(hub->server, now);
}

void hub_renew(struct hub *hub, usec_t now)
{
	if (hub->dismissed_by || !pool_is_stale(&hub->server->member))
		return;
	if (atomic_load(&hub->listeners) > 0) {
		heir_seek(hub, now);
		return;
	}
	hub->yields = true;
	hub_settle(hub->server, now);
}

void hub_say(struct hub *hub, struct note *note)
{
	hub->notes++;
	hub_tell_members(hub, hub->server->pool->worker, HUB_NOTE, note);
}

void hub_heard(struct server *s, struct slice body)
{
	struct note *note = note_new(body);
	if (note && heir_passes(s->hub, s, note))
		hub_say(s->hub, note);
	note_unref(note);
}

void hub_lost(struct server *s, usec_t now)
{
	struct hub *hub = s->hub;
	heir_conclude(hub, now);
	if (!s->hub) /* another has taken over already */
		return;
	if (s != hub->server) {
		heir_lost(hub, now);
		return;
	}
	heir_end(hub, now);
	hub_place_give(hub);
	s->hub = NULL;
	hub->server = NULL;
	hub_table_end(hub);
	if (!s->pool->worker->stopping)
		hub_tell_members(hub, s->pool->worker, HUB_LOST, NULL);
	hub_unref(hub);
}
