/*
 * backend_model.c - a PostgreSQL server's main loop, with dice for a brain.
 */
#include "backend_model.h"

#include <string.h>

#include "base/bug.h"

#define ANSWERS_IN_A_STEP 16u

void model_init(struct model *m, uint64_t seed)
{
	m->in.head = m->in.tail = m->out.head = m->out.tail = 0;
	m->rng = seed | 1;
	m->errors_in_1000 = 20;
	m->copies_in_100 = 10;
	m->statements = 0;
	m->querying = m->copying = m->copy_is_fresh = m->skipping = m->open = m->dead = false;
	m->runs = false;
	m->tx_status = 'I';
}

uint32_t model_random(struct model *m, uint32_t n)
{
	m->rng ^= m->rng << 13;
	m->rng ^= m->rng >> 7;
	m->rng ^= m->rng << 17;
	return (uint32_t)((m->rng >> 32) * n >> 32);
}

void model_put(struct model_queue *q, struct model_message msg)
{
	BUG_ON(model_len(q) == MODEL_QUEUE);
	q->ring[q->tail++ % MODEL_QUEUE] = msg;
}

struct model_message model_take(struct model_queue *q)
{
	BUG_ON(model_len(q) == 0);
	return q->ring[q->head++ % MODEL_QUEUE];
}

bool model_has_room(const struct model *m)
{
	return model_len(&m->in) < MODEL_QUEUE &&
	       model_len(&m->out) + ANSWERS_IN_A_STEP <= MODEL_QUEUE;
}

/* ---- answering ------------------------------------------------------------------------ */

static bool chance(struct model *m, uint32_t in_1000)
{
	return model_random(m, 1000) < in_1000;
}

static void say(struct model *m, char type)
{
	struct model_message msg = { .type = type, .own = m->at.own };
	model_put(&m->out, msg);
}

static void say_ready(struct model *m)
{
	struct model_message msg = { .type = 'Z', .status = m->tx_status, .own = m->at.own };
	model_put(&m->out, msg);
	m->open = m->runs = false;
}

static void say_rows(struct model *m)
{
	for (uint32_t n = model_random(m, 4); n > 0; n--)
		say(m, 'D');
}

static bool is_extended(char type)
{
	return type == 'P' || type == 'B' || type == 'D' || type == 'E' || type == 'C';
}

/* ERROR: the transaction fails, and what is left of the message is dropped. */
static void fail(struct model *m)
{
	say(m, 'E');
	if (m->tx_status == 'T')
		m->tx_status = 'E';
	m->querying = m->copying = false;
	if (is_extended(m->at.type))
		m->skipping = true;
	else
		say_ready(m);
}

static bool fails(struct model *m)
{
	if (!chance(m, m->tx_status == 'E' ? 700 : m->errors_in_1000))
		return false;
	fail(m);
	return true;
}

/* ---- statements ----------------------------------------------------------------------- */

static void begin_or_end(struct model *m)
{
	m->tx_status = m->tx_status == 'I' ? 'T' : 'I';
	say(m, 'C');
}

static void copy_out(struct model *m)
{
	say(m, 'H');
	for (uint32_t n = model_random(m, 4); n > 0; n--)
		say(m, 'd');
	if (fails(m))
		return;
	say(m, 'c');
	say(m, 'C');
}

static void copy_in(struct model *m)
{
	say(m, 'G');
	m->copying = m->copy_is_fresh = true;
}

/* One statement of a Query, or the one that an Execute runs. */
static void run(struct model *m)
{
	bool simple = m->at.type == 'Q';

	if (fails(m))
		return;
	if (!m->at.own && model_random(m, 100) < m->copies_in_100) {
		model_random(m, 4) ? copy_in(m) : copy_out(m);
		return;
	}
	switch (model_random(m, 6)) {
	case 0:
		begin_or_end(m);
		break;
	case 1:
		say(m, 'I');
		break;
	case 2:
		say(m, 'S');
		say(m, 'C');
		break;
	case 3:
		if (!simple) {
			say_rows(m);
			say(m, 's');
			break;
		}
		/* fall through */
	default:
		if (simple)
			say(m, 'T');
		say_rows(m);
		if (!fails(m))
			say(m, 'C');
	}
}

/* ---- messages ------------------------------------------------------------------------- */

static void read_extended(struct model *m)
{
	m->open = true;
	m->runs |= !m->at.own && (m->at.type == 'B' || m->at.type == 'E');
	if (m->at.type == 'E') {
		run(m);
		return;
	}
	if (m->at.type != 'C' && fails(m))
		return;
	switch (m->at.type) {
	case 'P':
		say(m, '1');
		break;
	case 'B':
		say(m, '2');
		break;
	case 'C':
		say(m, '3');
		break;
	case 'D':
		if (model_random(m, 2))
			say(m, 't');
		say(m, model_random(m, 2) ? 'T' : 'n');
		break;
	}
}

static void read_sync(struct model *m)
{
	m->skipping = false;
	if (m->open && m->tx_status == 'I' && fails(m))
		return; /* the commit failed; that said Ready too */
	say_ready(m);
}

static void read_message(struct model *m)
{
	m->at = model_take(&m->in);
	if (m->skipping && m->at.type != 'S')
		return;
	switch (m->at.type) {
	case 'S':
		read_sync(m);
		break;
	case 'Q':
		m->querying = true;
		m->statements = 1 + model_random(m, 3);
		break;
	case 'F':
		if (!fails(m)) {
			say(m, 'V');
			say_ready(m);
		}
		break;
	case 'd':
	case 'c':
	case 'f':
	case 'H':
		break;
	default:
		read_extended(m);
	}
}

static void read_copy(struct model *m)
{
	char type = model_take(&m->in).type;

	m->copy_is_fresh = false;
	if (type == 'S' || type == 'H')
		return;
	if (type == 'f') {
		fail(m);
	} else if (type == 'd' || type == 'c') {
		if (chance(m, 5 * m->errors_in_1000)) {
			fail(m);
		} else if (type == 'c') {
			say(m, 'C');
			m->copying = false;
		}
	} else {
		say(m, 'E');
		say(m,
		    'E'); /* "terminating connection because protocol synchronization was lost" */
		m->dead = true;
	}
}

/* What goes on without a message: the next statement, or the end of a simple query. */
static bool work(struct model *m)
{
	if (m->copying) {
		if (!m->copy_is_fresh || !chance(m, 2 * m->errors_in_1000))
			return false;
		fail(m); /* a trigger, before the first message was read */
		return true;
	}
	if (!m->querying)
		return false;
	if (m->statements > 0) {
		m->statements--;
		run(m);
	} else {
		m->querying = false;
		say_ready(m);
	}
	return true;
}

bool model_step(struct model *m)
{
	if (m->dead)
		return false;
	if (chance(m, 10)) {
		struct model_message msg = { .type = "ANS"[model_random(m, 3)] };
		model_put(&m->out, msg);
	}
	if (work(m))
		return true;
	if (model_len(&m->in) == 0)
		return false;
	if (m->copying)
		read_copy(m);
	else
		read_message(m);
	return true;
}

/* ---- looking -------------------------------------------------------------------------- */

bool model_is_settled(const struct model *m)
{
	return model_len(&m->in) == 0 && model_len(&m->out) == 0 &&
	       (m->copying ? !m->copy_is_fresh : !m->querying);
}

/* Is every message on the way one of these? */
static bool only(const struct model_queue *q, const char *types)
{
	for (uint32_t i = q->head; i != q->tail; i++)
		if (!strchr(types, q->ring[i % MODEL_QUEUE].type))
			return false;
	return true;
}

bool model_is_clean(const struct model *m)
{
	return only(&m->in, "dcfH") && only(&m->out, "ANS") && !m->querying && !m->copying &&
	       !m->skipping && !m->open && m->tx_status == 'I' && !m->dead;
}
