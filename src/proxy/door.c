/*
 * door.c - accepting, and mailing sockets to who is to serve them.
 */
#include "proxy/door.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/listener.h"
#include "pool/balance.h"
#include "proxy/client.h"
#include "proxy/setup.h"
#include "proxy/worker.h"

/* A client on its way to another worker. */
struct door_mail {
	struct mail mail;
	struct addr peer;
	int fd;
};

static void door_arrive(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct door_mail *m = CONTAINER_OF(mail, struct door_mail, mail);
	if (w->stopping) {
		close(m->fd);
		atomic_fetch_sub(&w->load, 1);
		atomic_fetch_sub(&w->shared->clients, 1);
	} else {
		client_accept(w, m->fd, &m->peer, now);
	}
	free(m);
	worker_settle(w, now);
}

static void door_send(struct worker *to, int fd, const struct addr *peer)
{
	struct door_mail *m = mem_alloc(sizeof(*m));
	*m = (struct door_mail){ .mail.deliver = door_arrive, .peer = *peer, .fd = fd };
	mailbox_send(to->box, &m->mail);
}

static struct worker *door_choose(struct worker *w)
{
	struct worker_shared *shared = w->shared;
	int32_t clients[PROXY_MAX_WORKERS];
	if (shared->worker_count == 1)
		return w;
	for (unsigned i = 0; i < shared->worker_count; i++)
		clients[i] = atomic_load(&shared->workers[i]->load);
	return shared->workers[balance_place(clients, shared->worker_count, w->index)];
}

static void door_on_client(void *owner, int fd, const struct addr *peer, usec_t now)
{
	struct worker *w = owner, *to = door_choose(w);
	atomic_fetch_add(&to->load, 1);
	atomic_fetch_add(&to->shared->clients, 1);
	if (to != w) {
		door_send(to, fd, peer);
		return;
	}
	client_accept(w, fd, peer, now);
	worker_settle(w, now);
}

bool door_open(struct worker *w, struct listener *l, struct err *err)
{
	w->door = l;
	return listener_serve(l, w->loop, door_on_client, w, err);
}

void door_leave(struct worker *w)
{
	if (w->door)
		listener_close(w->door);
	w->door = NULL;
}

static void door_on_close(struct mail *mail, void *owner, usec_t now)
{
	(void)now;
	free(mail);
	door_leave(owner);
}

void door_close(struct worker *w)
{
	struct mail *mail = mem_zalloc(sizeof(*mail));
	mail->deliver = door_on_close;
	mailbox_send(w->box, mail);
}

void door_configure(struct worker *w)
{
	if (w->door)
		listener_set_keepalive(w->door, w->setup->conf->global.tcp_keepalive);
}
