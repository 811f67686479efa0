/*
 * test_loop.c - turns, timers, what is deferred.
 */
#include "check_net.h"

#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

struct shot {
	struct timer timer;
	struct loop *loop;
	usec_t fired; /* 0: not */
	int count;
};

static void shot_on(struct timer *t, usec_t now)
{
	struct shot *s = CONTAINER_OF(t, struct shot, timer);
	s->fired = now;
	s->count++;
}

static void shot_stop(struct timer *t, usec_t now)
{
	shot_on(t, now);
	loop_stop(CONTAINER_OF(t, struct shot, timer)->loop);
}

static void shot_init(struct shot *s, struct loop *loop, timer_fn fn, usec_t in_us)
{
	*s = (struct shot){ .loop = loop };
	wheel_init_timer(&s->timer, fn);
	loop_set_timer(loop, &s->timer, usec_after(usec_now(), in_us));
}

START_TEST(test_timers_fire_in_order_and_not_early)
{
	struct loop *loop = check_net_loop();
	struct shot a, b, c;
	shot_init(&a, loop, shot_on, 60000);
	shot_init(&b, loop, shot_on, 20000);
	shot_init(&c, loop, shot_stop, 120000);
	usec_t due_a = a.timer.deadline, due_b = b.timer.deadline, due_c = c.timer.deadline;
	loop_run(loop);
	ck_assert_int_eq(a.count, 1);
	ck_assert_int_eq(b.count, 1);
	ck_assert_int_ge(a.fired, due_a);
	ck_assert_int_ge(b.fired, due_b);
	ck_assert_int_ge(c.fired, due_c);
	ck_assert_int_lt(b.fired, a.fired);
	loop_free(loop);
}
END_TEST

START_TEST(test_a_timer_set_nearer_fires_at_the_nearer_time)
{
	struct loop *loop = check_net_loop();
	struct shot far, bell;
	shot_init(&far, loop, shot_stop, 3600 * USEC_PER_SEC);
	loop_turn(loop, 0); /* the kernel knows of the far one */
	loop_set_timer(loop, &far.timer, usec_after(usec_now(), 20000));
	shot_init(&bell, loop, shot_on, 1800 * USEC_PER_SEC);
	loop_run(loop);
	ck_assert_int_eq(far.count, 1);
	ck_assert_int_eq(bell.count, 0);
	loop_clear_timer(&bell.timer);
	loop_free(loop);
}
END_TEST

START_TEST(test_a_timer_moved_later_or_cleared_does_not_fire)
{
	struct loop *loop = check_net_loop();
	struct shot later, cleared, end;
	shot_init(&later, loop, shot_on, 20000);
	shot_init(&cleared, loop, shot_on, 20000);
	shot_init(&end, loop, shot_stop, 80000);
	loop_turn(loop, 0);
	loop_set_timer(loop, &later.timer, usec_after(usec_now(), 3600 * USEC_PER_SEC));
	loop_clear_timer(&cleared.timer);
	loop_run(loop);
	ck_assert_int_eq(later.count, 0);
	ck_assert_int_eq(cleared.count, 0);
	loop_clear_timer(&later.timer);
	loop_free(loop);
}
END_TEST

struct node {
	struct deferred deferred;
	struct loop *loop;
	struct node *next; /* deferred by this one */
	int order;
	int count;
};

static int node_clock;

static void node_on(struct deferred *d, usec_t now)
{
	struct node *n = CONTAINER_OF(d, struct node, deferred);
	ck_assert_int_gt(now, 0);
	n->order = ++node_clock;
	n->count++;
	if (n->next)
		loop_defer(n->loop, &n->next->deferred);
}

static void node_init(struct node *n, struct loop *loop, struct node *next)
{
	*n = (struct node){ .loop = loop, .next = next };
	loop_init_deferred(&n->deferred, node_on);
}

START_TEST(test_what_is_deferred_runs_once_after_the_turn_in_order)
{
	struct loop *loop = check_net_loop();
	struct node a, b, c;
	node_init(&c, loop, NULL);
	node_init(&a, loop, &c);
	node_init(&b, loop, NULL);
	loop_defer(loop, &a.deferred);
	loop_defer(loop, &b.deferred);
	loop_defer(loop, &a.deferred);
	ck_assert_int_eq(a.count, 0);
	loop_turn(loop, 0);
	ck_assert_int_eq(a.order, 1);
	ck_assert_int_eq(b.order, 2);
	ck_assert_int_eq(c.order, 3);
	loop_turn(loop, 0);
	ck_assert_int_eq(a.count + b.count + c.count, 3);
	loop_free(loop);
}
END_TEST

START_TEST(test_what_was_deferred_can_be_taken_back_and_runs_at_the_end)
{
	struct loop *loop = check_net_loop();
	struct node a, b;
	node_init(&a, loop, NULL);
	node_init(&b, loop, NULL);
	loop_defer(loop, &a.deferred);
	loop_defer(loop, &b.deferred);
	loop_cancel_deferred(&a.deferred);
	loop_cancel_deferred(&a.deferred);
	loop_free(loop);
	ck_assert_int_eq(a.count, 0);
	ck_assert_int_eq(b.count, 1);
}
END_TEST

struct hog {
	struct deferred again;
	struct loop *loop;
	int count;
};

static void hog_on(struct deferred *d, usec_t now)
{
	struct hog *h = CONTAINER_OF(d, struct hog, again);
	ck_assert_int_gt(now, 0);
	h->count++;
	loop_again(h->loop, &h->again);
}

START_TEST(test_asking_again_waits_for_another_turn_that_does_not_sleep)
{
	struct loop *loop = check_net_loop();
	struct hog hog = { .loop = loop };
	loop_init_deferred(&hog.again, hog_on);
	loop_again(loop, &hog.again);
	for (int i = 1; i <= 5; i++) {
		loop_turn(loop, USEC_NEVER); /* would not return if it slept */
		ck_assert_int_eq(hog.count, i);
	}
	loop_cancel_deferred(&hog.again);
	loop_free(loop);
}
END_TEST

static void block_on(struct timer *t, usec_t now)
{
	shot_stop(t, now);
	usec_t end = usec_now() + LOOP_STALL_US + 10000;
	while (usec_now() < end)
		usleep(10000);
}

START_TEST(test_a_callback_that_blocks_is_counted_as_a_stall)
{
	struct loop *loop = check_net_loop();
	struct shot s;
	shot_init(&s, loop, block_on, 0);
	loop_run(loop);
	ck_assert_uint_eq(loop_stats(loop)->stalls, 1);
	ck_assert_int_gt(loop_stats(loop)->longest_turn_us, LOOP_STALL_US);
	ck_assert_int_ge(loop_stats(loop)->busy_us, loop_stats(loop)->longest_turn_us);
	ck_assert_uint_gt(loop_stats(loop)->turns, 0);
	loop_free(loop);
}
END_TEST

START_TEST(test_waiting_for_events_is_no_stall)
{
	struct loop *loop = check_net_loop();
	struct shot s;
	shot_init(&s, loop, shot_stop, 2 * LOOP_STALL_US);
	loop_run(loop);
	ck_assert_uint_eq(loop_stats(loop)->stalls, 0);
	loop_free(loop);
}
END_TEST

START_TEST(test_stopping_before_running_makes_it_return_at_once)
{
	struct loop *loop = check_net_loop();
	loop_stop(loop);
	loop_run(loop);
	ck_assert_uint_eq(loop_stats(loop)->turns, 0);
	ck_assert_str_eq(loop_name(loop), "test");
	loop_free(loop);
}
END_TEST

static int now_fd[2];
static usec_t now_seen[2];
static int now_calls;

static void now_on(evutil_socket_t fd, short what, void *arg)
{
	char byte;
	(void)what;
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	usec_t now = loop_enter(arg);
	usleep(2000);
	now_seen[now_calls++ % 2] = now;
	ck_assert_int_eq(loop_now(arg), now);
}

START_TEST(test_now_is_that_of_the_callback_and_never_goes_back)
{
	struct loop *loop = check_net_loop();
	ck_assert_int_eq(pipe(now_fd), 0);
	struct event *ev =
		event_new(loop_base(loop), now_fd[0], EV_READ | EV_PERSIST, now_on, loop);
	event_add(ev, NULL);
	ck_assert_int_eq(write(now_fd[1], "ab", 2), 2);
	loop_turn(loop, USEC_NEVER);
	loop_turn(loop, USEC_NEVER);
	ck_assert_int_eq(now_calls, 2);
	ck_assert_int_gt(now_seen[1], now_seen[0]);
	event_free(ev);
	close(now_fd[0]);
	close(now_fd[1]);
	loop_free(loop);
}
END_TEST

Suite *loop_suite(void)
{
	Suite *s = suite_create("loop");
	TCase *t = tcase_create("loop");
	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_timers_fire_in_order_and_not_early);
	tcase_add_test(t, test_a_timer_set_nearer_fires_at_the_nearer_time);
	tcase_add_test(t, test_a_timer_moved_later_or_cleared_does_not_fire);
	tcase_add_test(t, test_what_is_deferred_runs_once_after_the_turn_in_order);
	tcase_add_test(t, test_what_was_deferred_can_be_taken_back_and_runs_at_the_end);
	tcase_add_test(t, test_asking_again_waits_for_another_turn_that_does_not_sleep);
	tcase_add_test(t, test_a_callback_that_blocks_is_counted_as_a_stall);
	tcase_add_test(t, test_waiting_for_events_is_no_stall);
	tcase_add_test(t, test_stopping_before_running_makes_it_return_at_once);
	tcase_add_test(t, test_now_is_that_of_the_callback_and_never_goes_back);
	suite_add_tcase(s, t);
	return s;
}
