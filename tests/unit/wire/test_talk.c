/*
 * test_talk.c - plays the conversations of *.talk against the track, frame by frame.
 *
 * A line is a frame, what the track must answer, and what it must look like afterwards:
 *
 *   > [own] TYPE ok|skipped|full|violation                       = STATE
 *   < TYPE[:STATUS] pass|swallow|async|last-words|desync
 *                   [own] [ITEM] [done] [failed]                 = STATE
 *
 * where STATE is idle, quiet (nothing is outstanding, but in a transaction), busy or uncertain,
 * then syncs:N, tx:S, in, out or both (a COPY), wants-sync. What is not named must be 0, I,
 * none, no: so each line says all. '#' begins a comment.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_wire.h"
#include "wire/track.h"

#define LINE_BYTES 256
#define MIN_TALKS 40

static glob_t talks; /* the test process's alone */

struct look { /* what a line expects, or what was found */
	int answer;
	bool own, done, failed;
	char item;
	char state; /* i, q, b, u */
	char tx;
	enum track_copy copy;
	unsigned syncs;
	bool wants_sync;
};

struct line {
	char from, type, status;
	bool own;
	struct look look;
};

/* ---- reading a line --------------------------------------------------------------------- */

static bool is_word(const char *word, const char *list[], size_t n, int *index)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(word, list[i]) == 0) {
			*index = (int)i;
			return true;
		}
	}
	return false;
}

static bool read_answer(struct line *l, const char *word)
{
	static const char *verdicts[] = { "ok", "skipped", "full", "violation" };
	static const char *replies[] = { "pass", "swallow", "async", "last-words", "desync" };

	if (l->from == '>')
		return is_word(word, verdicts, COUNT_OF(verdicts), &l->look.answer);
	if (is_word(word, replies, COUNT_OF(replies), &l->look.answer))
		return true;
	if (strcmp(word, "own") == 0)
		l->look.own = true;
	else if (strcmp(word, "done") == 0)
		l->look.done = true;
	else if (strcmp(word, "failed") == 0)
		l->look.failed = true;
	else if (strlen(word) == 1)
		l->look.item = word[0];
	else
		return false;
	return true;
}

static bool read_state(struct look *look, const char *word)
{
	static const char *states[] = { "idle", "quiet", "busy", "uncertain" };
	static const char *copies[] = { "", "in", "out", "both" };
	int index;

	if (is_word(word, states, COUNT_OF(states), &index))
		look->state = states[index][0];
	else if (is_word(word, copies, COUNT_OF(copies), &index))
		look->copy = (enum track_copy)index;
	else if (strcmp(word, "wants-sync") == 0)
		look->wants_sync = true;
	else if (strncmp(word, "syncs:", 6) == 0)
		look->syncs = (unsigned)atoi(word + 6);
	else if (strncmp(word, "tx:", 3) == 0)
		look->tx = word[3];
	else
		return false;
	return true;
}

static bool read_word(struct line *l, const char *word, bool *in_state)
{
	if (!l->from) {
		l->from = word[0];
		return word[0] == '>' || word[0] == '<';
	}
	if (!l->type && strcmp(word, "own") == 0) {
		l->own = true;
		return true;
	}
	if (!l->type) {
		l->type = word[0];
		l->status = word[1] == ':' ? word[2] : '\0';
		return true;
	}
	if (strcmp(word, "=") == 0) {
		*in_state = true;
		return true;
	}
	return *in_state ? read_state(&l->look, word) : read_answer(l, word);
}

/* False: the line has nothing to play. */
static bool read_line(char *text, const char *where, struct line *l)
{
	bool in_state = false;
	char *save, *word;

	*l = (struct line){ .look = { .answer = -1, .tx = 'I' } };
	text[strcspn(text, "#\n")] = '\0';
	for (word = strtok_r(text, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
		ck_assert_msg(read_word(l, word, &in_state), "%s: what is '%s'?", where, word);
	if (!l->from)
		return false;
	ck_assert_msg(l->look.answer >= 0 && l->look.state, "%s: says too little", where);
	return true;
}

/* ---- playing it ---------------------------------------------------------------------------- */

static void look_at(const struct track *t, struct look *found)
{
	track_check(t);
	found->state = track_is_idle(t)        ? 'i'
		       : track_is_quiet(t)     ? 'q'
		       : track_is_uncertain(t) ? 'u'
					       : 'b';
	found->tx = track_tx_status(t);
	found->copy = track_in_copy(t);
	found->syncs = track_outstanding_syncs(t);
	found->wants_sync = track_wants_sync(t);
}

static void play_line(struct track *t, const struct line *l, struct look *found)
{
	*found = (struct look){ .answer = -1 };
	if (l->from == '>') {
		found->answer = track_client(t, l->type, l->own);
	} else {
		struct track_news news;
		struct slice body = slice_make(&l->status, l->status ? 1 : 0);
		found->answer = track_server(t, l->type, body, &news);
		found->item = news.item;
		found->own = news.own;
		found->done = news.done;
		found->failed = news.failed;
	}
	look_at(t, found);
}

static void compare(const char *where, const struct look *want, const struct look *got)
{
	ck_assert_msg(got->answer == want->answer, "%s: answer %d", where, got->answer);
	ck_assert_msg(got->item == want->item, "%s: item '%c'", where, got->item ? got->item : '-');
	ck_assert_msg(got->own == want->own, "%s: own %d", where, got->own);
	ck_assert_msg(got->done == want->done, "%s: done %d", where, got->done);
	ck_assert_msg(got->failed == want->failed, "%s: failed %d", where, got->failed);
	ck_assert_msg(got->state == want->state, "%s: state %c", where, got->state);
	ck_assert_msg(got->tx == want->tx, "%s: tx %c", where, got->tx);
	ck_assert_msg(got->copy == want->copy, "%s: copy %d", where, got->copy);
	ck_assert_msg(got->syncs == want->syncs, "%s: syncs %u", where, got->syncs);
	ck_assert_msg(got->wants_sync == want->wants_sync, "%s: wants-sync %d", where,
		      got->wants_sync);
}

static int play_file(const char *path, uint32_t first_seq)
{
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	struct track t;
	track_init(&t);
	t.head = t.tail = first_seq;

	char text[LINE_BYTES], where[LINE_BYTES + 300];
	int played = 0;
	for (int n = 1; fgets(text, sizeof(text), file); n++) {
		struct line line;
		struct look found;
		snprintf(where, sizeof(where), "%s:%d", path, n);
		if (!read_line(text, where, &line))
			continue;
		play_line(&t, &line, &found);
		compare(where, &line.look, &found);
		played++;
	}
	track_fini(&t);
	fclose(file);
	return played;
}

START_TEST(talk)
{
	const char *path = talks.gl_pathv[_i];
	ck_assert_int_gt(play_file(path, 0), 0);
	/* The numbers of the items wrap: no conversation may notice. */
	for (uint32_t before = 0; before < 12; before++)
		ck_assert_int_gt(play_file(path, UINT32_MAX - before), 0);
}
END_TEST

START_TEST(enough_talks)
{
	ck_assert_uint_ge(talks.gl_pathc, MIN_TALKS);
}
END_TEST

Suite *suite_talk(void)
{
	Suite *s = suite_create("talk");
	TCase *tc = tcase_create("talk");
	if (talks.gl_pathc == 0)
		glob(TALK_DIR "/*.talk", 0, NULL, &talks);
	tcase_add_test(tc, enough_talks);
	tcase_add_loop_test(tc, talk, 0, (int)talks.gl_pathc);
	suite_add_tcase(s, tc);
	return s;
}
