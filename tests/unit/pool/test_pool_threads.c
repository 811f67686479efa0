/*
 * test_pool_threads.c - the pool with real threads: no limit passed, no wake-up lost.
 *
 * Each thread is a worker with clients of two pools under one cap, and sleeps without any
 * timeout when it has nothing to do: one lost wake-up or server, and the test hangs until
 * check ends it. Run under TSan it also finds what is not shared properly.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "check_pool.h"
#include "pool/pool.h"

#define THREADS 4
#define POOLS 2
#define CLIENTS 12  /* of each worker */
#define GRANTS 3000 /* of each worker, until it asks no more */
#define CAP_LIMIT 5
#define BOX 1024
#define POOL_LIMITS                                                                                \
	{                                                                                          \
		.pool_size = 2, .max_overflow = 2, .pool_timeout_us = USEC_NEVER,                  \
		.recycle_us = USEC_NEVER, .idle_timeout_us = USEC_NEVER,                           \
		.check_delay_us = USEC_NEVER, .login_retry_us = USEC_PER_SEC, .lifo = true         \
	}

struct server {
	struct pool_member member;
	struct list on_todo; /* to be logged in, or closed */
	struct town *town;
};

struct client {
	struct pool_waiter waiter;
	struct pool_member *member; /* while served */
	unsigned pool;
	bool is_waiting;
};

struct house {
	struct town *town;
	struct pool_worker worker;
	struct pool_slice slices[POOLS];
	struct client clients[CLIENTS];
	struct list todo;
	unsigned grants;
	uint64_t rng;
	pthread_t thread;
	pthread_mutex_t lock; /* of the box and is_over */
	pthread_cond_t arrived;
	struct pool_order box[BOX];
	size_t n_box;
	bool is_over;
};

struct town {
	struct pool_cap db;
	struct pool_shared pools[POOLS];
	struct house houses[THREADS];
	_Atomic unsigned done;
	_Atomic int open, opened;
	_Atomic bool is_broken;
};

static uint64_t draw(struct house *h, uint64_t below)
{
	h->rng ^= h->rng << 13;
	h->rng ^= h->rng >> 7;
	h->rng ^= h->rng << 17;
	return h->rng % below;
}

static void send(struct house *to, const struct pool_order *order)
{
	pthread_mutex_lock(&to->lock);
	if (to->n_box == BOX)
		abort();
	to->box[to->n_box++] = *order;
	pthread_cond_signal(&to->arrived);
	pthread_mutex_unlock(&to->lock);
}

static void open_server(struct house *h, struct pool_slice *s)
{
	struct server *server = mem_zalloc(sizeof(*server));
	pool_member_init(&server->member, s, usec_now());
	list_push_back(&h->todo, &server->on_todo);
	atomic_fetch_add(&h->town->opened, 1);
	if (atomic_fetch_add(&h->town->open, 1) >= CAP_LIMIT)
		atomic_store(&h->town->is_broken, true);
}

static void grant(struct house *h, struct pool_waiter *w, struct pool_member *m)
{
	struct client *c = CONTAINER_OF(w, struct client, waiter);
	c->is_waiting = false;
	c->member = m;
	h->grants++;
}

static void carry_out(struct house *h)
{
	struct pool_order o;
	while (pool_order_take(&h->worker.orders, &o)) {
		switch (o.kind) {
		case POOL_ORDER_GRANT:
			grant(h, o.waiter, o.member);
			break;
		case POOL_ORDER_OPEN:
			open_server(h, o.slice);
			break;
		case POOL_ORDER_CLOSE:
			list_push_back(&h->todo,
				       &CONTAINER_OF(o.member, struct server, member)->on_todo);
			break;
		case POOL_ORDER_HAND:
		case POOL_ORDER_WAKE:
		case POOL_ORDER_EVICT:
			send(&h->town->houses[o.worker], &o);
			break;
		case POOL_ORDER_DRAINED:
			break;
		case POOL_ORDER_PING:
		case POOL_ORDER_REFUSE:
			atomic_store(&h->town->is_broken, true);
			break;
		}
	}
}

/* Logins and closings that wait: some of them end. */
static void work_off(struct house *h)
{
	LIST_EACH (node, tmp, &h->todo) {
		struct server *server = LIST_ENTRY(node, struct server, on_todo);
		if (draw(h, 3) == 0)
			continue;
		list_remove(&server->on_todo);
		if (server->member.state == POOL_MEMBER_LOGIN) {
			pool_opened(&server->member, usec_now());
		} else {
			atomic_fetch_sub(&h->town->open, 1);
			pool_lost(&server->member, usec_now());
			free(server);
		}
		carry_out(h);
	}
}

static void read_mail(struct house *h, bool may_sleep)
{
	struct pool_order mails[BOX];
	pthread_mutex_lock(&h->lock);
	while (may_sleep && h->n_box == 0 && !h->is_over)
		pthread_cond_wait(&h->arrived, &h->lock);
	size_t n = h->n_box;
	for (size_t i = 0; i < n; i++)
		mails[i] = h->box[i];
	h->n_box = 0;
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < n; i++) {
		const struct pool_order *o = &mails[i];
		if (o->kind == POOL_ORDER_WAKE)
			pool_wake(&h->worker, o->cap, usec_now());
		else if (o->kind == POOL_ORDER_EVICT)
			pool_evict(&h->worker, o->cap, usec_now());
		else
			pool_adopt(pool_slice_here(&h->worker, o->member->shared), o->member,
				   usec_now());
		carry_out(h);
	}
}

static void serve_clients(struct house *h)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *c = &h->clients[i];
		if (c->member && draw(h, 2) == 0) {
			struct pool_member *m = c->member;
			c->member = NULL;
			pool_return(m, usec_now());
		} else if (!c->member && !c->is_waiting && h->grants < GRANTS && draw(h, 3) > 0) {
			c->is_waiting = true;
			struct pool_member *m =
				pool_request(&h->slices[c->pool], &c->waiter, usec_now());
			if (m)
				grant(h, &c->waiter, m);
		} else if (c->is_waiting && draw(h, 500) == 0) {
			pool_leave(&c->waiter, usec_now());
			c->is_waiting = false;
		}
		carry_out(h);
	}
}

/* Is there anything left to do without any mail? */
static bool is_busy(const struct house *h)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		const struct client *c = &h->clients[i];
		if (c->member || (!c->is_waiting && h->grants < GRANTS))
			return true;
	}
	return !list_is_empty(&h->todo);
}

static bool is_waiting_any(const struct house *h)
{
	for (unsigned i = 0; i < CLIENTS; i++)
		if (h->clients[i].is_waiting)
			return true;
	return false;
}

static void tell_all_it_is_over(struct town *t)
{
	for (unsigned i = 0; i < THREADS; i++) {
		struct house *h = &t->houses[i];
		pthread_mutex_lock(&h->lock);
		h->is_over = true;
		pthread_cond_signal(&h->arrived);
		pthread_mutex_unlock(&h->lock);
	}
}

static bool is_over(struct house *h)
{
	pthread_mutex_lock(&h->lock);
	bool over = h->is_over && h->n_box == 0;
	pthread_mutex_unlock(&h->lock);
	return over;
}

static void *live(void *arg)
{
	struct house *h = arg;
	bool is_done = false;
	while (!is_over(h)) {
		work_off(h);
		serve_clients(h);
		bool may_sleep = !is_busy(h);
		if (!is_done && may_sleep && !is_waiting_any(h)) {
			is_done = true;
			if (atomic_fetch_add(&h->town->done, 1) + 1 == THREADS)
				tell_all_it_is_over(h->town);
		}
		read_mail(h, may_sleep);
	}
	return NULL;
}

static struct town *build_town(void)
{
	static const struct pool_limits limits = POOL_LIMITS;
	struct town *t = mem_zalloc(sizeof(*t));
	pool_cap_init(&t->db, THREADS, CAP_LIMIT);
	for (unsigned p = 0; p < POOLS; p++)
		pool_shared_init(&t->pools[p], THREADS, &limits, &t->db, NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		struct house *h = &t->houses[i];
		h->town = t;
		h->rng = 88172645463325252u + i;
		list_init(&h->todo);
		pthread_mutex_init(&h->lock, NULL);
		pthread_cond_init(&h->arrived, NULL);
		pool_worker_init(&h->worker, i);
		for (unsigned p = 0; p < POOLS; p++)
			pool_init(&h->slices[p], &h->worker, &t->pools[p], &limits, i, usec_now());
		for (unsigned c = 0; c < CLIENTS; c++) {
			h->clients[c].pool = c % 3 == 0;
			pool_waiter_init(&h->clients[c].waiter);
		}
	}
	return t;
}

/* What was under way when all were done; then every server is closed. */
static void send_all_home(struct town *t)
{
	for (unsigned i = 0; i < THREADS; i++) {
		struct house *h = &t->houses[i];
		for (unsigned p = 0; p < POOLS; p++)
			pool_pause(&h->slices[p], usec_now());
		carry_out(h);
	}
	for (unsigned round = 0; round < 1000 && atomic_load(&t->open) > 0; round++) {
		for (unsigned i = 0; i < THREADS; i++) {
			read_mail(&t->houses[i], false);
			work_off(&t->houses[i]);
		}
	}
}

static void tear_down(struct town *t)
{
	for (unsigned i = 0; i < THREADS; i++) {
		struct house *h = &t->houses[i];
		for (unsigned p = 0; p < POOLS; p++)
			pool_fini(&h->slices[p]);
		pool_worker_fini(&h->worker);
		pthread_cond_destroy(&h->arrived);
		pthread_mutex_destroy(&h->lock);
	}
	for (unsigned p = 0; p < POOLS; p++)
		pool_shared_fini(&t->pools[p]);
	pool_cap_fini(&t->db);
	free(t);
}

START_TEST(workers_in_threads_lose_no_wake_up)
{
	struct town *t = build_town();
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&t->houses[i].thread, NULL, live, &t->houses[i]),
				 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t->houses[i].thread, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		ck_assert_uint_ge(t->houses[i].grants, GRANTS);
	ck_assert_int_gt(atomic_load(&t->opened), 0);
	for (unsigned p = 0; p < POOLS; p++) {
		ck_assert_int_eq(atomic_load(&t->pools[p].waiting), 0);
		ck_assert_int_eq(atomic_load(&t->pools[p].short_of), 0);
		ck_assert_int_le(permits_used(&t->pools[p].cap.permits), 4);
	}
	ck_assert_int_eq(atomic_load(&t->db.hungry), 0);
	ck_assert_int_eq(permits_used(&t->db.permits), atomic_load(&t->open));
	send_all_home(t);
	ck_assert(!atomic_load(&t->is_broken));
	ck_assert_int_eq(atomic_load(&t->open), 0);
	ck_assert_int_eq(permits_used(&t->db.permits), 0);
	tear_down(t);
}
END_TEST

Suite *suite_pool_threads(void)
{
	Suite *s = suite_create("pool_threads");
	TCase *tc = tcase_create("all");
	tcase_set_timeout(tc, 240);
	tcase_add_test(tc, workers_in_threads_lose_no_wake_up);
	suite_add_tcase(s, tc);
	return s;
}
