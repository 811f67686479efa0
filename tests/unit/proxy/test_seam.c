/*
 * test_seam.c - from one stream of notifications to another: every order in which they can come.
 */
#include "check_proxy.h"

#include "proxy/seam.h"

#define QUEUE_MAX 6 /* with the marker */
#define NEVER (-1)

/* One queue, read by two servers. The new one begins to listen at `from`, the marker is at `mark`;
 * at the step `give_up` the seam is given up, unless it is closed then. */
struct world {
	int length, from, mark, give_up;
};

struct run {
	enum seam_state state;
	bool is_over; /* given up */
	int at[2];    /* what comes next of each side */
	int steps;
	int told[QUEUE_MAX * 2], told_count;
	int held[QUEUE_MAX * 2], held_count;
};

static int paths;

static void resolve(struct run *run, enum seam_held held)
{
	if (held == SEAM_KEEP_HELD)
		return;
	for (int i = 0; held == SEAM_DELIVER_HELD && i < run->held_count; i++)
		run->told[run->told_count++] = run->held[i];
	run->held_count = 0;
}

static void hear(struct run *run, enum seam_side side, int n)
{
	if (run->is_over) { /* nobody asks the seam any more: the old side is heard */
		if (side == SEAM_OLD)
			run->told[run->told_count++] = n;
		return;
	}
	switch (seam_fate(run->state, side)) {
	case SEAM_DELIVER:
		run->told[run->told_count++] = n;
		break;
	case SEAM_HOLD:
		run->held[run->held_count++] = n;
		break;
	case SEAM_DROP:
		break;
	}
}

static void step(const struct world *w, struct run *run, enum seam_side side)
{
	int n = run->at[side]++;
	if (n != w->mark)
		hear(run, side, n);
	else if (!run->is_over)
		resolve(run, seam_mark(&run->state, side));
	if (++run->steps == w->give_up && run->state != SEAM_CLOSED) {
		resolve(run, seam_give_up(&run->state));
		run->is_over = true;
	}
}

static void check_all_was_told(const struct world *w, const struct run *run)
{
	int wanted = 0;
	ck_assert_int_eq(run->held_count, 0);
	ck_assert(run->is_over || run->state == SEAM_CLOSED);
	for (int i = 0; i < run->told_count; i++, wanted++) {
		wanted += wanted == w->mark;
		ck_assert_int_eq(run->told[i], wanted);
	}
	wanted += wanted == w->mark;
	ck_assert_int_eq(wanted, w->length);
	paths++;
}

/* Each side's next, whichever comes first. */
static void walk(const struct world *w, const struct run *run)
{
	bool is_end = true;
	for (int side = 0; side < 2; side++) {
		if (run->at[side] == w->length)
			continue;
		struct run next = *run;
		step(w, &next, (enum seam_side)side);
		walk(w, &next);
		is_end = false;
	}
	if (is_end)
		check_all_was_told(w, run);
}

START_TEST(each_is_heard_once_and_in_order)
{
	paths = 0;
	for (int length = 1; length <= QUEUE_MAX; length++)
		for (int mark = 0; mark < length; mark++)
			for (int from = 0; from <= mark; from++) {
				struct world w = { length, from, mark, NEVER };
				walk(&w, &(struct run){ .at = { 0, from } });
			}
	ck_assert_int_gt(paths, 1000);
}
END_TEST

START_TEST(given_up_at_any_time_nothing_is_lost)
{
	for (int give_up = 1; give_up < 2 * QUEUE_MAX; give_up++)
		for (int length = 1; length < QUEUE_MAX; length++)
			for (int mark = 0; mark < length; mark++) {
				struct world w = { length, 0, mark, give_up };
				walk(&w, &(struct run){ .at = { 0, 0 } });
			}
}
END_TEST

START_TEST(the_marker_counts_once_from_each_side)
{
	enum seam_state state = SEAM_OPEN;
	ck_assert_int_eq(seam_mark(&state, SEAM_OLD), SEAM_KEEP_HELD);
	ck_assert_int_eq(seam_mark(&state, SEAM_OLD), SEAM_KEEP_HELD);
	ck_assert_int_eq(state, SEAM_OLD_DONE);
	ck_assert_int_eq(seam_mark(&state, SEAM_NEW), SEAM_DROP_HELD);
	ck_assert_int_eq(state, SEAM_CLOSED);
	ck_assert_int_eq(seam_mark(&state, SEAM_NEW), SEAM_KEEP_HELD);
}
END_TEST

Suite *seam_suite(void)
{
	Suite *s = suite_create("seam");
	TCase *t = tcase_create("seam");
	tcase_add_test(t, each_is_heard_once_and_in_order);
	tcase_add_test(t, given_up_at_any_time_nothing_is_lost);
	tcase_add_test(t, the_marker_counts_once_from_each_side);
	suite_add_tcase(s, t);
	return s;
}
