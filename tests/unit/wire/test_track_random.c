/*
 * test_track_random.c - the track against the model of a server, with everything at random.
 *
 * Client, server and what is on the way between them move in any order. After each move: the
 * track never calls a server idle that is not, never takes what a server says for impossible,
 * and tells our own answers from the client's. Whenever the server has nothing left to do,
 * the track must know it too, unless it says that it cannot.
 *
 * The seed is new for every run and printed where something is wrong; TEST_SEED=N plays one
 * again.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "backend_model.h"
#include "base/usec.h"
#include "check_wire.h"
#include "wire/track.h"

#define MESSAGES 1000000u
#define TALK_MESSAGES 400u
#define CHECK_MOVES 16u

struct style {
	const char *name;
	const char *letters; /* what the client sends, as likely as often it stands here */
	bool polite;         /* ends its batches, and sends into a COPY only what belongs there */
	unsigned own_in_100;
	unsigned errors_in_1000;
	unsigned copies_in_100;
};

static const struct style styles[] = {
	{ "simple", "Q", true, 20, 50, 10 },
	{ "extended", "PBDECHS", true, 5, 20, 0 },
	{ "pipeline", "PBEPBESSDCQ", true, 10, 50, 0 },
	{ "copy", "QPBES", true, 5, 40, 50 },
	{ "copy without a care", "EESQdcSf", false, 0, 50, 60 },
	{ "anything", "PBDECQSFHdcf", false, 10, 50, 20 },
	{ "anything, failing", "PBDECQSFHdcf", false, 10, 300, 20 },
	{ "anything, well", "PBDECQSFH", false, 10, 0, 0 },
};

struct world {
	uint64_t seed;
	const struct style *style;
	struct model model;
	struct track track;
	unsigned sent;
	bool sees_copy; /* the client was told that a COPY FROM STDIN begins, and has not ended it
			 */
	uint64_t moves, doubts, settled;
};

/* A passed ck_assert is a system call of check's: too slow here. */
#define TELL(w, cond, what)                                                                        \
	do {                                                                                       \
		if (!(cond))                                                                       \
			ck_abort_msg("TEST_SEED=%" PRIu64 " (%s), message %u: %s", (w)->seed,      \
				     (w)->style->name, (w)->sent, what);                           \
	} while (0)

static bool knows(const struct world *w)
{
	return !w->track.lost && w->track.doubtful == 0;
}

/* ---- the client ----------------------------------------------------------------------- */

static char pick(struct world *w)
{
	const char *letters = w->style->letters;

	if (w->style->polite && w->sees_copy)
		return "dddSHcf"[model_random(&w->model, 7)];
	if (w->style->polite && track_wants_sync(&w->track) && model_random(&w->model, 4) == 0)
		return 'S';
	return letters[model_random(&w->model, (uint32_t)strlen(letters))];
}

static void client_sends(struct world *w)
{
	struct model_message msg = { .type = pick(w) };

	if (msg.type == 'Q' || msg.type == 'P' || msg.type == 'C')
		msg.own = model_random(&w->model, 100) < w->style->own_in_100;
	if (w->style->polite && !w->sees_copy && w->style->copies_in_100 && knows(w) &&
	    !track_is_quiet(&w->track) && msg.type == 'Q')
		return; /* what would come to stand in a COPY ends the connection */
	enum track_verdict verdict = track_client(&w->track, msg.type, msg.own);
	TELL(w, verdict == TRACK_OK || verdict == TRACK_SKIPPED, "not taken");
	model_put(&w->model.in, msg);
	if (msg.type == 'c' || msg.type == 'f')
		w->sees_copy = false;
	w->sent++;
}

/* ---- the answers ---------------------------------------------------------------------- */

static void check_reply(struct world *w, const struct model_message *msg, bool knew,
			enum track_reply reply, const struct track_news *news)
{
	bool async = msg->type == 'A' || msg->type == 'N' || msg->type == 'S';

	TELL(w, reply != TRACK_DESYNC, "taken for impossible");
	TELL(w, (reply == TRACK_ASYNC) == async, "async");
	TELL(w, news->failed == (msg->type == 'E'), "failed");
	if (async || !knew || w->model.dead)
		return;
	TELL(w, reply == (msg->own ? TRACK_SWALLOW : TRACK_PASS), "whose answer it is");
	TELL(w, news->own == msg->own, "whose item it is");
	if (msg->type == 'Z') {
		TELL(w, news->done, "Ready closes a batch");
		TELL(w, track_tx_status(&w->track) == msg->status, "the transaction's state");
	}
}

static void answer_comes(struct world *w)
{
	struct model_message msg = model_take(&w->model.out);
	bool knew = knows(w);
	struct track_news news;

	enum track_reply reply =
		track_server(&w->track, msg.type, slice_make(&msg.status, 1), &news);
	check_reply(w, &msg, knew, reply, &news);
	if (msg.type == 'G')
		w->sees_copy = true;
	if (msg.type == 'E' || msg.type == 'Z')
		w->sees_copy = false;
	w->doubts += knew && !knows(w);
}

/* ---- one conversation ----------------------------------------------------------------- */

static bool reads_sync(const struct model *m)
{
	for (uint32_t i = m->in.head; i != m->in.tail; i++)
		if (m->in.ring[i % MODEL_QUEUE].type == 'S')
			return true;
	return false;
}

static void check_world(struct world *w)
{
	const struct track *t = &w->track;

	if (w->moves++ % CHECK_MOVES == 0)
		track_check(t);
	if (track_is_idle(t))
		TELL(w, model_is_clean(&w->model), "released too early");
	const struct model *m = &w->model;
	if (knows(w) && track_may_commit(t))
		TELL(w, m->tx_status == 'I' && !m->runs, "ends a transaction");
	if (!w->style->copies_in_100 && !track_may_skip(t) && m->skipping) /* a COPY reads Syncs */
		TELL(w, reads_sync(m), "skips what comes next");
	if (!model_is_settled(m) || !knows(w) || m->dead)
		return;
	w->settled++;
	TELL(w, m->copying == (track_in_copy(t) == TRACK_COPY_IN), "in a COPY");
	TELL(w, m->copying || track_outstanding_syncs(t) == 0, "waits for what will not come");
	TELL(w, track_is_quiet(t) == (!m->copying && !m->skipping && !m->open), "quiet");
	TELL(w, track_is_idle(t) == model_is_clean(m), "idle");
	TELL(w, m->copying || track_wants_sync(t) == (m->skipping || m->open), "wants a Sync");
	bool may_commit = m->tx_status == 'I' && !m->runs && !m->copying && !m->skipping;
	TELL(w, track_may_commit(t) == may_commit, "may end a transaction");
	TELL(w, !track_is_uncertain(t), "uncertain");
}

/* What is left on the way arrives. */
static void drain(struct world *w)
{
	bool moved = true;

	while (moved && !w->model.dead) {
		moved = model_has_room(&w->model) && model_step(&w->model);
		while (model_len(&w->model.out) > 0 && !w->model.dead) {
			answer_comes(w);
			check_world(w);
			moved = true;
		}
	}
}

static void move(struct world *w, const uint32_t weights[3])
{
	uint32_t at = model_random(&w->model, weights[0] + weights[1] + weights[2]);

	if (at < weights[0]) {
		if (model_has_room(&w->model))
			client_sends(w);
	} else if (at < weights[0] + weights[1]) {
		if (model_has_room(&w->model))
			model_step(&w->model);
	} else if (model_len(&w->model.out) > 0) {
		answer_comes(w);
	}
	check_world(w);
}

static void converse(struct world *w)
{
	uint32_t weights[3];

	model_init(&w->model, w->seed * 0x9e3779b97f4a7c15u);
	track_init(&w->track);
	w->sees_copy = false;
	w->sent = 0;
	for (int i = 0; i < 3; i++)
		weights[i] = 1 + model_random(&w->model, 8);
	w->style = &styles[model_random(&w->model, COUNT_OF(styles))];
	w->model.errors_in_1000 = w->style->errors_in_1000;
	w->model.copies_in_100 = w->style->copies_in_100;
	w->track.head = w->track.tail = 0 - model_random(&w->model, 2 * TALK_MESSAGES);

	uint32_t messages = 1 + model_random(&w->model, TALK_MESSAGES);
	while (w->sent < messages && !w->model.dead)
		move(w, weights);
	drain(w);
	track_fini(&w->track);
}

START_TEST(against_the_model)
{
	const char *seed = getenv("TEST_SEED");
	struct world w = { .seed = seed ? strtoull(seed, NULL, 10) : (uint64_t)usec_wall() };
	uint64_t sent = 0;

	if (seed) {
		converse(&w);
		return;
	}
	while (sent < MESSAGES) {
		converse(&w);
		sent += w.sent + 1;
		w.seed++;
	}
	/* What the test is about was met. */
	ck_assert_uint_gt(w.doubts, MESSAGES / 10000);
	ck_assert_uint_gt(w.settled, MESSAGES / 100);
}
END_TEST

Suite *suite_track_random(void)
{
	Suite *s = suite_create("track, at random");
	TCase *tc = tcase_create("model");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, against_the_model);
	suite_add_tcase(s, tc);
	return s;
}
