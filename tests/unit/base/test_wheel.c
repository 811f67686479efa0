/*
 * test_wheel.c - the timer wheel, by simulation against a table of deadlines.
 */
#include "base/wheel.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bug.h"
#include "check_base.h"

#define TIMERS 300

struct model {
	struct wheel wheel;
	struct timed {
		struct timer timer;
		struct model *model;
		usec_t deadline; /* what it should be; USEC_NEVER: not armed */
		usec_t set_at;
	} timed[TIMERS];
	usec_t now;
	unsigned fired;
};

/* A length from microseconds to years. */
static usec_t any_length(void)
{
	int bits = rand() % 46;
	return (usec_t)(((uint64_t)rand() << 31 | (uint64_t)rand()) & (((uint64_t)1 << bits) - 1));
}

static void fire(struct timer *t, usec_t now)
{
	struct timed *x = CONTAINER_OF(t, struct timed, timer);
	struct model *m = x->model;

	ck_assert_int_eq(now, m->now);
	ck_assert(!wheel_is_armed(t));
	ck_assert_int_ne(x->deadline, USEC_NEVER);
	ck_assert_int_le(x->deadline, now); /* never early */
	x->deadline = USEC_NEVER;
	m->fired++;
	/* A handler may touch any timer, those that are about to fire too. */
	struct timed *other = &m->timed[rand() % TIMERS];
	switch (rand() % 4) {
	case 0:
		wheel_clear(&other->timer);
		other->deadline = USEC_NEVER;
		break;
	case 1:
		other->deadline = now + any_length();
		other->set_at = now;
		wheel_set(&m->wheel, &other->timer, other->deadline);
		break;
	case 2:
		x->deadline = now; /* at once again: at the next step, not in this turn */
		x->set_at = now;
		wheel_set(&m->wheel, t, now);
		break;
	default:
		break;
	}
}

static void check_next(struct model *m)
{
	usec_t first = USEC_NEVER;
	bool same = true;
	for (int i = 0; i < TIMERS; i++) {
		same = same && m->timed[i].timer.deadline == m->timed[i].deadline;
		first = usec_min(first, m->timed[i].deadline);
	}
	ck_assert(same);
	usec_t next = wheel_next(&m->wheel);
	if (first == USEC_NEVER)
		ck_assert_int_eq(next, USEC_NEVER);
	else if (first > m->now)
		ck_assert_int_lt(next, first + WHEEL_STEP_US);
	else
		ck_assert_int_le(next, m->now + WHEEL_STEP_US);
}

/* Nothing is overdue by a step or more once the wheel was turned. */
static void turn(struct model *m)
{
	bool is_in_time = true;
	wheel_expire(&m->wheel, m->now);
	for (int i = 0; i < TIMERS; i++) {
		const struct timed *x = &m->timed[i];
		usec_t due = x->deadline > x->set_at ? x->deadline : x->set_at;
		is_in_time = is_in_time && due > m->now - WHEEL_STEP_US;
	}
	ck_assert(is_in_time);
}

static void simulate(unsigned seed, usec_t start)
{
	static struct model m;
	srand(seed);
	m = (struct model){ .now = start };
	wheel_init(&m.wheel, start);
	for (int i = 0; i < TIMERS; i++) {
		m.timed[i].model = &m;
		m.timed[i].deadline = USEC_NEVER;
		wheel_init_timer(&m.timed[i].timer, fire);
	}
	for (int step = 0; step < 3000; step++) {
		struct timed *x = &m.timed[rand() % TIMERS];
		x->deadline = rand() % 5 ? m.now + any_length() - rand() % 20000 : USEC_NEVER;
		if (x->deadline < 0)
			x->deadline = 0;
		x->set_at = m.now;
		wheel_set(&m.wheel, &x->timer, x->deadline);
		check_next(&m);
		if (rand() % 3 == 0) {
			usec_t next = wheel_next(&m.wheel);
			if (rand() % 2 && next != USEC_NEVER && next > m.now)
				m.now = next;
			else
				m.now += any_length() >> (rand() % 20);
			turn(&m);
			check_next(&m);
		}
	}
	ck_assert_uint_gt(m.fired, 300);
}

START_TEST(same_as_a_table)
{
	for (unsigned seed = 1; seed <= 20; seed++)
		simulate(seed, seed % 2 ? 0 : (usec_t)seed * 123456789);
}
END_TEST

static void count(struct timer *t UNUSED, usec_t now UNUSED)
{
}

START_TEST(to_the_step)
{
	struct wheel w;
	struct timer t;
	wheel_init(&w, 1000000);
	wheel_init_timer(&t, count);
	ck_assert_int_eq(wheel_next(&w), USEC_NEVER);
	wheel_set(&w, &t, 1234567);
	ck_assert_int_eq(wheel_next(&w), 1240000);
	ck_assert_uint_eq(wheel_expire(&w, 1234567), 0);
	ck_assert_uint_eq(wheel_expire(&w, 1239999), 0);
	ck_assert_uint_eq(wheel_expire(&w, 1240000), 1);
	ck_assert(!wheel_is_armed(&t));
	ck_assert_uint_eq(wheel_expire(&w, 99999999), 0);
	/* on the step itself */
	wheel_set(&w, &t, 100500000);
	ck_assert_uint_eq(wheel_expire(&w, 100499999), 0);
	ck_assert_uint_eq(wheel_expire(&w, 100500000), 1);
	/* one in the past */
	wheel_set(&w, &t, 5);
	ck_assert_uint_eq(wheel_expire(&w, 100500000), 0);
	ck_assert_uint_eq(wheel_expire(&w, 100510000), 1);
	wheel_clear(&t);
}
END_TEST

START_TEST(later_touches_nothing)
{
	struct wheel w;
	struct timer t;
	wheel_init(&w, 0);
	wheel_init_timer(&t, count);
	wheel_set(&w, &t, 50000);
	struct list *before = t.link.next;
	int64_t filed = t.filed;
	for (int i = 1; i < 1000; i++)
		wheel_set(&w, &t, 50000 + (usec_t)i * 1000000);
	ck_assert_ptr_eq(t.link.next, before);
	ck_assert_int_eq(t.filed, filed);
	ck_assert_int_eq(wheel_next(&w), 50000);
	ck_assert_uint_eq(wheel_expire(&w, 50000), 0); /* looks, and files anew */
	ck_assert_uint_eq(wheel_expire(&w, 999000000), 0);
	ck_assert_uint_eq(wheel_expire(&w, 999050000), 1);
}
END_TEST

/* Going by wheel_next alone costs few turns, however far the deadline is. */
START_TEST(few_wakeups)
{
	struct wheel w;
	struct timer t;
	wheel_init(&w, 7);
	wheel_init_timer(&t, count);
	usec_t deadline = (usec_t)400 * 86400 * USEC_PER_SEC; /* beyond the top level */
	wheel_set(&w, &t, deadline);
	usec_t now = 7;
	int turns = 0;
	while (wheel_is_armed(&t)) {
		now = wheel_next(&w);
		wheel_expire(&w, now);
		turns++;
	}
	ck_assert_int_ge(now, deadline);
	ck_assert_int_lt(now, deadline + WHEEL_STEP_US);
	ck_assert_int_le(turns, 12);
}
END_TEST

Suite *suite_wheel(void)
{
	Suite *s = suite_create("wheel");
	TCase *tc = tcase_create("wheel");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, same_as_a_table);
	tcase_add_test(tc, to_the_step);
	tcase_add_test(tc, later_touches_nothing);
	tcase_add_test(tc, few_wakeups);
	suite_add_tcase(s, tc);
	return s;
}
