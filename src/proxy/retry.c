/*
 * retry.c - batches kept as they were sent, until the next one.
 */
#include "proxy/retry.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/keep.h"
#include "proxy/relay.h"
#include "proxy/server.h"
#include "wire/frame.h"
#include "wire/reader.h"
#include "wire/track.h"

/* What a server keeps while nobody uses it. */
#define RETRY_REST_BYTES ((size_t)4 << 10)

/* All that is behind the Bind: Describe of the unnamed portal, Execute of all its rows, Sync. */
static const char RETRY_TAIL[] = "D\0\0\0\x06P\0"
				 "E\0\0\0\x09\0\0\0\0\0"
				 "S\0\0\0\x04";
#define RETRY_TAIL_BYTES (sizeof(RETRY_TAIL) - 1)
#define RETRY_ITEMS 4u

struct retry {
	struct buf batch; /* the last that was sent, if it is one; empty: there is none */
	uint32_t end_seq; /* of what is sent behind it */
};

/* Each batch is asked this. */
bool retry_is_batch(struct slice sent)
{
	uint32_t length;
	if (sent.len < RETRY_TAIL_BYTES + FRAME_HEAD_BYTES + 1 || sent.ptr[0] != 'B' ||
	    sent.ptr[FRAME_HEAD_BYTES] != '\0')
		return false;
	memcpy(&length, sent.ptr + 1, sizeof(length));
	return ntohl(length) + 1 + RETRY_TAIL_BYTES == sent.len &&
	       memcmp(sent.ptr + sent.len - RETRY_TAIL_BYTES, RETRY_TAIL, RETRY_TAIL_BYTES) == 0;
}

bool retry_takes_any_columns(struct slice batch)
{
	struct reader r;
	batch.len -= RETRY_TAIL_BYTES;
	reader_init(&r, slice_skip(batch, FRAME_HEAD_BYTES));
	reader_cstr(&r);                              /* the portal */
	reader_cstr(&r);                              /* the statement */
	reader_bytes(&r, (size_t)reader_u16(&r) * 2); /* how the values are written */
	for (unsigned values = reader_u16(&r); values; values--)
		reader_value(&r);
	unsigned columns = reader_u16(&r);
	reader_bytes(&r, (size_t)columns * 2); /* how they are wanted */
	return reader_is_done(&r) && columns <= 1;
}

void retry_keep(struct server *s, struct slice sent)
{
	if (!retry_is_batch(sent))
		return;
	if (!s->retry)
		s->retry = mem_zalloc(sizeof(*s->retry));
	buf_clear(&s->retry->batch);
	buf_add_slice(&s->retry->batch, sent);
	s->retry->end_seq = track_next_seq(&s->track);
}

/* Would what it sends wait for something else, or stand amid what it is sending? */
static bool retry_is_held(const struct server *s)
{
	const struct client *c = s->client;
	return c->state != CLIENT_LINKED || c->body_left || s->errand != SERVER_ERRAND_NONE ||
	       (c->keep && c->keep->ear);
}

bool retry_begin(struct server *s, const struct track_news *news)
{
	const struct retry *retry = s->retry;
	if (!retry || !buf_len(&retry->batch) || !s->client || retry_is_held(s))
		return false;
	if (news->seq + RETRY_ITEMS != retry->end_seq ||
	    track_next_seq(&s->track) != retry->end_seq)
		return false; /* it is not the Bind, or not of what was sent last */
	if (track_tx_status(&s->track) != 'I' || !retry_takes_any_columns(buf_slice(&retry->batch)))
		return false;
	s->retries = true;
	return true;
}

void retry_ready(struct server *s, usec_t now)
{
	struct buf batch = s->retry->batch;
	struct client *c = s->client;
	s->retry->batch = (struct buf){ 0 };
	s->retries = false;
	size_t done = relay_from_client(c, buf_slice(&batch), now);
	BUG_ON(done < buf_len(&batch)); /* it has gone this way before, as a whole */
	if (c->server == s)
		buf_clear(&s->retry->batch);
	buf_fini(&batch);
}

void retry_forget(struct server *s)
{
	s->retries = false;
	if (!s->retry)
		return;
	if (buf_len(&s->retry->batch) > RETRY_REST_BYTES)
		buf_release(&s->retry->batch);
	else
		buf_clear(&s->retry->batch);
}

void retry_free(struct server *s)
{
	if (s->retry)
		buf_fini(&s->retry->batch);
	free(s->retry);
	s->retry = NULL;
}
