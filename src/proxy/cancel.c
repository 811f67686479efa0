/*
 * cancel.c - cancel keys, and the way of a cancel through the workers.
 *
 * The number: 31 bits, as a PostgreSQL process number is; the lower ones say the worker.
 */
#include "proxy/cancel.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/journal.h"
#include "proxy/localpool.h"
#include "proxy/server.h"
#include "proxy/worker.h"

#define CANCEL_WORKER_BITS 6
_Static_assert(PROXY_MAX_WORKERS <= 1 << CANCEL_WORKER_BITS, "the worker must fit");

static struct slice cancel_map_key(const uint32_t *pid)
{
	return slice_make(pid, sizeof(*pid));
}

void cancel_enlist(struct client *c)
{
	struct worker *w = c->worker;
	uint32_t random[2];
	do {
		BUG_ON(RAND_bytes((unsigned char *)random, sizeof(random)) != 1);
		random[0] =
			((random[0] & 0x7fffffffu) & ~((1u << CANCEL_WORKER_BITS) - 1)) | w->index;
	} while (random[0] <= PROXY_MAX_WORKERS || map_get(&w->keys, cancel_map_key(&random[0])));
	c->cancel_pid = random[0];
	c->cancel_key = random[1];
	map_put(&w->keys, cancel_map_key(&c->cancel_pid), c);
}

void cancel_forget(struct client *c)
{
	if (c->cancel_pid)
		map_remove(&c->worker->keys, cancel_map_key(&c->cancel_pid));
	c->cancel_pid = 0;
}

struct cancel_mail {
	struct mail mail;
	uint32_t pid;
	uint32_t key; /* as it stood on the wire */
};

static void cancel_carry_out(struct client *c, usec_t now)
{
	switch ((enum client_state)c->state) {
	case CLIENT_WAITING:
		c->pool->stats.cancels++;
		pool_leave(&c->waiter, now);
		client_refused(c, ERROR_CANCELED_IN_QUEUE, errors_format(ERROR_CANCELED_IN_QUEUE),
			       now);
		break;
	case CLIENT_LINKED:
		if (track_head_seq(&c->server->track) == track_next_seq(&c->server->track))
			break; /* nothing runs */
		c->pool->stats.cancels++;
		journal_cancelled(c);
		server_cancel(c->server, now);
		break;
	case CLIENT_STARTUP:
	case CLIENT_AUTH:
	case CLIENT_ADMITTED:
	case CLIENT_PROVING:
	case CLIENT_IDLE:
	case CLIENT_SKIPPING:
	case CLIENT_CLOSING:
		break;
	}
}

static void cancel_arrive(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct cancel_mail *m = CONTAINER_OF(mail, struct cancel_mail, mail);
	struct client *c = map_get(&w->keys, cancel_map_key(&m->pid));

	if (c && CRYPTO_memcmp(&c->cancel_key, &m->key, sizeof(m->key)) == 0)
		cancel_carry_out(c, now);
	else
		LOG_DEBUG("a cancel request with a key that no client has");
	free(m);
	worker_settle(w, now);
}

void cancel_route(struct worker_shared *shared, uint32_t pid, struct slice key)
{
	unsigned worker = pid & ((1u << CANCEL_WORKER_BITS) - 1);
	if (worker >= shared->worker_count || key.len != sizeof(uint32_t))
		return;
	struct cancel_mail *m = mem_zalloc(sizeof(*m));
	m->mail.deliver = cancel_arrive;
	m->pid = pid;
	memcpy(&m->key, key.ptr, sizeof(m->key));
	mailbox_send(shared->workers[worker]->box, &m->mail);
}
