/*
 * fuzz_track.c - any conversation, sensible or not, against the track.
 *
 * Each byte is a message: the highest bit set, the server's. Its letter follows from the other
 * bits. Nothing may break the track's invariants, and what it says of itself must fit together.
 */
#include <stdint.h>

#include "base/bug.h"
#include "wire/track.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct track *t)
{
	track_check(t);
	BUG_ON(track_is_idle(t) && !track_is_quiet(t));
	BUG_ON(track_is_quiet(t) && track_is_uncertain(t));
	BUG_ON(track_is_quiet(t) && track_outstanding_syncs(t) > 0);
	BUG_ON(track_is_quiet(t) && track_wants_sync(t));
	BUG_ON(track_is_uncertain(t) && track_outstanding_syncs(t) > 0);
	BUG_ON(track_outstanding_syncs(t) > TRACK_MAX_ITEMS);
}

static void client(struct track *t, uint8_t byte)
{
	static const char types[] = "PBDECQSFHdcfXp\0Z";
	uint32_t before = track_next_seq(t);
	bool own = byte & 16;

	enum track_verdict verdict = track_client(t, types[byte % 16], own);
	BUG_ON(verdict != TRACK_OK && track_next_seq(t) != before);
	BUG_ON(verdict == TRACK_FULL && !track_is_full(t));
}

static bool server(struct track *t, uint8_t byte)
{
	static const char types[] = "123ANSCIDTtnsGHWdcVEZZZZRKv\0pQ\xff~";
	static const char states[] = "IITE";
	struct track_news news;
	char status = states[byte / 32 % 4];

	enum track_reply reply = track_server(t, types[byte % 32], slice_make(&status, 1), &news);
	BUG_ON(reply == TRACK_SWALLOW && !news.own);
	BUG_ON(reply == TRACK_ASYNC && news.item);
	BUG_ON(news.done && reply == TRACK_DESYNC);
	return reply != TRACK_DESYNC;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct track t;
	track_init(&t);
	for (size_t i = 0; i < size; i++) {
		if (data[i] < 128)
			client(&t, data[i]);
		else if (!server(&t, data[i]))
			break;
		check(&t);
	}
	track_fini(&t);
	return 0;
}
