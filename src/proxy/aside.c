/*
 * aside.c - a block that its client knows nothing of, undone where it has failed.
 */
#include "proxy/aside.h"

#include "proxy/client.h"
#include "proxy/errand.h"
#include "proxy/prepared_set.h"
#include "proxy/relay.h"
#include "proxy/server.h"
#include "wire/track.h"

static bool aside_is_open(const struct server *s)
{
	return s->aside == ASIDE_SENT &&
	       !track_seq_before(s->prepared->aside.to_seq, track_head_seq(&s->track));
}

void aside_begin(struct server *s, uint32_t from_seq, uint32_t to_seq)
{
	struct aside *aside = &prepared_set_need(s)->aside;
	if (!aside_is_open(s))
		aside->from_seq = from_seq;
	aside->to_seq = to_seq;
	s->aside = ASIDE_SENT;
}

/* Behind an error the rest of the batch is skipped, and does not wait. */
bool aside_holds(const struct server *s)
{
	if (s->aside == ASIDE_FAILED)
		return !s->track.skipping;
	return aside_is_open(s) && track_ends_behind(&s->track, s->prepared->aside.to_seq);
}

void aside_failed(struct server *s, uint32_t seq)
{
	if (LIKELY(s->aside != ASIDE_SENT))
		return;
	const struct aside *aside = &s->prepared->aside;
	if (!track_seq_before(seq, aside->from_seq) && !track_seq_before(aside->to_seq, seq))
		s->aside = ASIDE_FAILED;
}

bool aside_ready(struct server *s, uint32_t seq, usec_t now)
{
	struct client *c = s->client;
	bool has_failed = s->aside == ASIDE_FAILED;
	s->aside = ASIDE_NONE;
	if (!has_failed || track_tx_status(&s->track) != 'E' || !c || c->state != CLIENT_LINKED)
		return false;
	s->prepared->aside.ready_seq = seq;
	s->holds_client = true;
	errand_query(s, SERVER_ERRAND_UNDO, SLICE("ROLLBACK"), now);
	return true;
}

void aside_undone(struct server *s, usec_t now)
{
	struct client *c = s->client;
	if (!c)
		return;
	s->holds_client = false;
	if (!s->errand_failed && track_tx_status(&s->track) == 'I') {
		relay_from_server_ready(s, s->prepared->aside.ready_seq, now);
		conn_again(&c->conn); /* with what has waited */
		return;
	}
	s->is_doomed = true;
	client_fail(c, ERROR_CANNOT_GO_ON, NULL, NULL, now,
		    "a transaction of the pooler's could not be rolled back");
}
