/*
 * pool_queue.c - the line of waiters of one slice.
 *
 *          pool_request             server found, idle for long
 *    OUT ----------------> QUEUED ------------------------------> PINGING
 *     ^                     |  ^                                   |  |
 *     +-- grant, refuse, ---+  +---- no answer: back to its place--+  |
 *     |   leave                                                       |
 *     +------------------- answer: grant; or its deadline, leave -----+
 *
 * The other workers see of it: how many wait (less the servers under way to them),
 * since when the first one waits, and one bit in the pool's short_of. All three are
 * brought up to date at every change, before anything is decided from it.
 */
#include "pool/pool_parts.h"

void pool_queue_publish(struct pool_slice *s)
{
	struct pool_cap_line *line = pool_parts_line(s);
	const struct pool_waiter *head = pool_queue_head(s);
	int32_t now_waiting = head ? s->n_queue : 0;
	int32_t before = s->published;
	uint64_t bit = (uint64_t)1 << s->worker->index;

	usec_t since = head ? head->queued_at : USEC_NEVER;
	if (atomic_load_explicit(&line->since, memory_order_relaxed) != since) /* ours alone */
		atomic_store(&line->since, since);
	if (now_waiting == before)
		return;
	s->published = now_waiting;
	atomic_fetch_add(&line->need, now_waiting - before);
	if (before == 0)
		atomic_fetch_or(&s->shared->short_of, bit);
	else if (now_waiting == 0)
		atomic_fetch_and(&s->shared->short_of, ~bit);
}

void pool_queue_add(struct pool_slice *s, struct pool_waiter *w, usec_t now)
{
	w->slice = s;
	w->queued_at = now;
	w->deadline = usec_after(now, s->limits.pool_timeout_us);
	w->seq = s->next_seq++;
	w->state = POOL_WAITER_QUEUED;
	if (s->n_queue + s->n_bound == 0)
		s->deadlines_mixed = false;
	else if (w->deadline < s->last_deadline)
		s->deadlines_mixed = true;
	s->last_deadline = w->deadline;
	list_push_back(&s->queue, &w->on_slice);
	s->n_queue++;
	s->counters.waits++;
	atomic_fetch_add(&s->shared->waiting, 1);
	pool_parts_soon(s, w->deadline);
	pool_queue_publish(s);
}

void pool_queue_remove(struct pool_waiter *w)
{
	struct pool_slice *s = w->slice;
	BUG_ON(w->state == POOL_WAITER_OUT);
	list_remove(&w->on_slice);
	if (w->state == POOL_WAITER_QUEUED)
		s->n_queue--;
	else
		s->n_bound--;
	if (w->member)
		w->member->waiter = NULL;
	w->member = NULL;
	w->state = POOL_WAITER_OUT;
	atomic_fetch_sub(&s->shared->waiting, 1);
	pool_queue_publish(s);
}

void pool_queue_bind(struct pool_waiter *w, struct pool_member *m)
{
	struct pool_slice *s = w->slice;
	list_remove(&w->on_slice);
	list_push_back(&s->pinging, &w->on_slice);
	s->n_queue--;
	s->n_bound++;
	w->state = POOL_WAITER_PINGING;
	w->member = m;
	m->waiter = w;
	s->counters.pings++;
	pool_member_enter(m, POOL_MEMBER_PINGING);
	pool_queue_publish(s);
	pool_order_add(&s->worker->orders,
		       (struct pool_order){ .kind = POOL_ORDER_PING, .slice = s, .member = m });
}

/* To its old place in the line. */
static void insert_again(struct pool_waiter *w)
{
	struct pool_slice *s = w->slice;
	struct list *before = s->queue.next;
	while (before != &s->queue &&
	       LIST_ENTRY(before, struct pool_waiter, on_slice)->seq < w->seq)
		before = before->next;
	list_push_back(before, &w->on_slice);
	w->state = POOL_WAITER_QUEUED;
	s->n_queue++;
	pool_parts_soon(s, w->deadline);
	pool_queue_publish(s);
}

void pool_queue_unbind(struct pool_waiter *w)
{
	w->member->waiter = NULL;
	w->member = NULL;
	list_remove(&w->on_slice);
	w->slice->n_bound--;
	insert_again(w);
}

void pool_queue_ungrant(struct pool_waiter *w)
{
	struct pool_slice *s = w->slice;
	s->counters.grants--;
	atomic_fetch_add(&s->shared->waiting, 1);
	insert_again(w);
}

/* To a waiter of ours, who is in line or whose ping was answered. What just comes back is given on
 * as it is. */
void pool_queue_grant(struct pool_waiter *w, struct pool_member *m)
{
	struct pool_slice *s = w->slice;
	pool_queue_remove(w);
	if (m->state != POOL_MEMBER_ACTIVE)
		pool_member_enter(m, POOL_MEMBER_ACTIVE);
	pool_member_link(m, w);
	s->counters.grants++;
	pool_order_add(&s->worker->orders,
		       (struct pool_order){
			       .kind = POOL_ORDER_GRANT, .slice = s, .member = m, .waiter = w });
}

void pool_queue_refuse(struct pool_waiter *w, enum pool_reason why)
{
	struct pool_slice *s = w->slice;
	pool_queue_remove(w);
	if (why == POOL_REASON_TIMEOUT)
		s->counters.timeouts++;
	else if (why == POOL_REASON_QUEUE_FULL)
		s->counters.queue_full++;
	else
		s->counters.login_refused++;
	pool_order_add(&s->worker->orders,
		       (struct pool_order){
			       .kind = POOL_ORDER_REFUSE, .why = why, .slice = s, .waiter = w });
}

void pool_queue_refuse_all(struct pool_slice *s, enum pool_reason why)
{
	LIST_EACH (node, tmp, &s->queue)
		pool_queue_refuse(LIST_ENTRY(node, struct pool_waiter, on_slice), why);
}

/*
 * Deadlines come in the order of the line, and the walk ends at the first that is to
 * come; unless pool_timeout was lowered while somebody waited.
 */
void pool_queue_expire(struct pool_slice *s, usec_t now)
{
	struct list *const lists[] = { &s->queue, &s->pinging };
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		LIST_EACH (node, tmp, lists[i]) {
			struct pool_waiter *w = LIST_ENTRY(node, struct pool_waiter, on_slice);
			if (now >= w->deadline) {
				pool_queue_refuse(w, POOL_REASON_TIMEOUT);
				continue;
			}
			pool_parts_soon(s, w->deadline);
			if (lists[i] == &s->queue && !s->deadlines_mixed)
				break;
		}
	}
}
