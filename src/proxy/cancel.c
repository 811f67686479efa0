/*
 * cancel.c - cancel keys, and the way of a cancel through the workers.
 *
 * The number: 31 bits, as a PostgreSQL process number is; the lower ones say the worker.
 */
#include "proxy/cancel.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "auth/entropy.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/journal.h"
#include "proxy/localpool.h"
#include "proxy/server.h"
#include "proxy/worker.h"
#include "wire/track.h"

#define CANCEL_WORKER_BITS 6
_Static_assert(PROXY_MAX_WORKERS <= 1 << CANCEL_WORKER_BITS, "the worker must fit");

static struct slice cancel_map_key(const uint32_t *pid)
{
	return slice_make(pid, sizeof(*pid));
}

struct client *cancel_find(const struct worker *w, uint32_t pid)
{
	return map_get(&w->keys, cancel_map_key(&pid));
}

void cancel_enlist(struct client *c)
{
	struct worker *w = c->worker;
	uint32_t random[2];
	do {
		BUG_ON(!entropy_take(random, sizeof(random)));
		random[0] =
			((random[0] & 0x7fffffffu) & ~((1u << CANCEL_WORKER_BITS) - 1)) | w->index;
	} while (random[0] <= PROXY_MAX_WORKERS || cancel_find(w, random[0]) ||
		 moves_has(&w->shared->moves, random[0]));
	c->cancel_pid = random[0];
	c->cancel_key = random[1];
	cancel_move_in(c);
}

static unsigned cancel_home_of(uint32_t pid)
{
	return pid & ((1u << CANCEL_WORKER_BITS) - 1);
}

unsigned cancel_home(const struct client *c)
{
	return cancel_home_of(c->cancel_pid);
}

void cancel_move_out(struct client *c)
{
	map_remove(&c->worker->keys, cancel_map_key(&c->cancel_pid));
}

void cancel_move_in(struct client *c)
{
	map_put(&c->worker->keys, cancel_map_key(&c->cancel_pid), c);
}

void cancel_forget(struct client *c)
{
	if (!c->cancel_pid)
		return;
	cancel_move_out(c);
	if (cancel_home(c) != c->worker->index)
		moves_forget(&c->worker->shared->moves, c->cancel_pid);
	c->cancel_pid = 0;
}

struct cancel_mail {
	struct mail mail;
	struct list link; /* server->askers */
	uint32_t pid;
	uint32_t key;   /* as it stood on the wire */
	uint32_t asker; /* the number that its connection goes by */
};

/* Back at the worker of who asked. */
static void cancel_back(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct cancel_mail *m = CONTAINER_OF(mail, struct cancel_mail, mail);
	struct client *asker = cancel_find(w, m->asker);
	if (asker)
		client_close(asker, "cancel request", now);
	free(m);
	worker_settle(w, now);
}

static void cancel_answer(struct worker *w, struct cancel_mail *m)
{
	unsigned worker = cancel_home_of(m->asker); /* who asks never moves */
	m->mail.deliver = cancel_back;
	mailbox_send(w->shared->workers[worker]->box, &m->mail);
}

void cancel_tell(struct worker *w, struct list *askers)
{
	LIST_EACH (node, tmp, askers) {
		list_remove(node);
		cancel_answer(w, LIST_ENTRY(node, struct cancel_mail, link));
	}
}

/* True: the server's cancel is under way, and the answer follows it. */
static bool cancel_carry_out(struct client *c, struct cancel_mail *m, usec_t now)
{
	struct server *s = c->server;
	if (c->state == CLIENT_WAITING) {
		c->pool->stats.cancels++;
		pool_leave(&c->waiter, now);
		client_refused(c, ERROR_CANCELED_IN_QUEUE, errors_format(ERROR_CANCELED_IN_QUEUE),
			       now);
		return false;
	}
	if (c->state != CLIENT_LINKED || track_head_seq(&s->track) == track_next_seq(&s->track))
		return false; /* nothing runs */
	c->pool->stats.cancels++;
	journal_cancelled(c);
	server_cancel(s, now);
	if (!s->is_cancelling && !s->cancel_waits)
		return false;
	list_push_back(&s->askers, &m->link);
	return true;
}

static void cancel_arrive(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct cancel_mail *m = CONTAINER_OF(mail, struct cancel_mail, mail);
	struct client *c = cancel_find(w, m->pid);
	bool is_right = c && CRYPTO_memcmp(&c->cancel_key, &m->key, sizeof(m->key)) == 0;

	if (!c && moves_send(w->shared, m->pid, cancel_home_of(m->pid), w->index, mail))
		return; /* it has left for another worker */
	if (!is_right)
		LOG_DEBUG("a cancel request with a key that no client has");
	if (!is_right || !cancel_carry_out(c, m, now))
		cancel_answer(w, m);
	worker_settle(w, now);
}

void cancel_route(struct client *asker, uint32_t pid, struct slice key)
{
	struct worker_shared *shared = asker->worker->shared;
	unsigned worker = cancel_home_of(pid);
	if (worker >= shared->worker_count || key.len != sizeof(uint32_t)) {
		client_close(asker, "cancel request", loop_now(asker->worker->loop));
		return;
	}
	struct cancel_mail *m = mem_zalloc(sizeof(*m));
	cancel_enlist(asker);
	list_init(&m->link);
	m->mail.deliver = cancel_arrive;
	m->pid = pid;
	m->asker = asker->cancel_pid;
	memcpy(&m->key, key.ptr, sizeof(m->key));
	mailbox_send(shared->workers[worker]->box, &m->mail); /* which sends it on if need be */
}
