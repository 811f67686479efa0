/*
 * moves.c - one list for all workers, behind a lock that is taken only where somebody has moved.
 */
#include "proxy/moves.h"

#include "net/mailbox.h"
#include "proxy/worker.h"

void moves_init(struct moves *m)
{
	pthread_mutex_init(&m->lock, NULL);
	map_init(&m->away);
	atomic_init(&m->away_count, 0);
	m->barred = 0;
}

void moves_fini(struct moves *m)
{
	map_fini(&m->away);
	pthread_mutex_destroy(&m->lock);
}

static struct slice moves_key(const uint32_t *pid)
{
	return slice_make(pid, sizeof(*pid));
}

/* Under the lock. */
static unsigned moves_where(const struct moves *m, uint32_t pid, unsigned home)
{
	uintptr_t at = (uintptr_t)map_get(&m->away, moves_key(&pid));
	return at ? (unsigned)at - 1 : home;
}

/* Under the lock. */
static void moves_put(struct moves *m, uint32_t pid, unsigned home, unsigned at)
{
	if (at == home)
		map_remove(&m->away, moves_key(&pid));
	else
		map_put(&m->away, moves_key(&pid), (void *)((uintptr_t)at + 1));
	atomic_store(&m->away_count, map_count(&m->away));
}

/* ---- commands -------------------------------------------------------------------------------- */

void moves_bar(struct moves *m)
{
	pthread_mutex_lock(&m->lock);
	m->barred++;
	pthread_mutex_unlock(&m->lock);
}

void moves_unbar(struct moves *m)
{
	pthread_mutex_lock(&m->lock);
	m->barred--;
	pthread_mutex_unlock(&m->lock);
}

/* ---- a move ---------------------------------------------------------------------------------- */

bool moves_begin(struct moves *m)
{
	pthread_mutex_lock(&m->lock);
	if (m->barred == 0)
		return true;
	pthread_mutex_unlock(&m->lock);
	return false;
}

void moves_end(struct worker_shared *shared, uint32_t pid, unsigned home, unsigned to,
	       struct mail *client)
{
	moves_put(&shared->moves, pid, home, to);
	mailbox_send(shared->workers[to]->box, client);
	pthread_mutex_unlock(&shared->moves.lock);
}

/* ---- where they are ----------------------------------------------------------------------------
 */

bool moves_send(struct worker_shared *shared, uint32_t pid, unsigned home, unsigned here,
		struct mail *mail)
{
	struct moves *m = &shared->moves;
	pthread_mutex_lock(&m->lock);
	unsigned at = moves_where(m, pid, home);
	if (at != here)
		mailbox_send(shared->workers[at]->box, mail);
	pthread_mutex_unlock(&m->lock);
	return at != here;
}

bool moves_has(struct moves *m, uint32_t pid)
{
	if (atomic_load(&m->away_count) == 0)
		return false;
	pthread_mutex_lock(&m->lock);
	bool has = map_get(&m->away, moves_key(&pid)) != NULL;
	pthread_mutex_unlock(&m->lock);
	return has;
}

void moves_forget(struct moves *m, uint32_t pid)
{
	pthread_mutex_lock(&m->lock);
	map_remove(&m->away, moves_key(&pid));
	atomic_store(&m->away_count, map_count(&m->away));
	pthread_mutex_unlock(&m->lock);
}
