/*
 * test_mailbox.c - mail from several threads.
 */
#include "check_net.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/mailbox.h"

#define SENDERS 4
#define MAILS_EACH 50000

struct letter {
	struct mail mail;
	int sender, number;
};

struct office {
	struct loop *loop;
	struct mailbox *box;
	int next[SENDERS + 1];
	int total;
};

struct sender {
	struct office *office;
	int id;
	pthread_t thread;
};

static void letter_deliver(struct mail *mail, void *owner, usec_t now)
{
	struct letter *l = CONTAINER_OF(mail, struct letter, mail);
	struct office *o = owner;
	if (now <= 0 || l->number != o->next[l->sender])
		ck_abort_msg("mail %d of %d came out of turn", l->number, l->sender);
	o->next[l->sender]++;
	o->total++;
	free(l);
}

static void office_post(struct office *o, int sender, int number)
{
	struct letter *l = mem_zalloc(sizeof(*l));
	*l = (struct letter){ .mail = { .deliver = letter_deliver },
			      .sender = sender,
			      .number = number };
	mailbox_send(o->box, &l->mail);
}

static void office_open(struct office *o)
{
	struct err err;
	*o = (struct office){ .loop = check_net_loop() };
	o->box = mailbox_new(o->loop, o, &err);
	ck_assert_ptr_nonnull(o->box);
}

static void office_close(struct office *o)
{
	mailbox_free(o->box);
	loop_free(o->loop);
}

static void *sender_main(void *arg)
{
	struct sender *s = arg;
	for (int i = 0; i < MAILS_EACH; i++)
		office_post(s->office, s->id, i);
	return NULL;
}

START_TEST(test_every_mail_of_every_thread_arrives_once_and_in_order)
{
	struct office o;
	struct sender senders[SENDERS];
	office_open(&o);
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ .office = &o, .id = i };
		ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, sender_main, &senders[i]),
				 0);
	}
	while (o.total < SENDERS * MAILS_EACH)
		loop_turn(o.loop, USEC_NEVER); /* a lost wake-up would never end */
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(senders[i].thread, NULL);
		ck_assert_int_eq(o.next[i], MAILS_EACH);
	}
	office_close(&o);
}
END_TEST

/* One mail at a time, each after the last was seen: every send has to wake a sleeping loop. */
static atomic_int ball;

static void ball_deliver(struct mail *mail, void *owner, usec_t now)
{
	struct office *o = owner;
	ck_assert_int_gt(now, 0);
	o->total++;
	free(mail);
	atomic_store(&ball, o->total);
}

static void *ball_main(void *arg)
{
	struct office *o = arg;
	for (int i = 0; i < 2000; i++) {
		while (atomic_load(&ball) != i)
			sched_yield();
		struct mail *mail = mem_zalloc(sizeof(*mail));
		mail->deliver = ball_deliver;
		mailbox_send(o->box, mail);
	}
	return NULL;
}

START_TEST(test_each_mail_to_a_sleeping_loop_wakes_it)
{
	struct office o;
	pthread_t thread;
	office_open(&o);
	ck_assert_int_eq(pthread_create(&thread, NULL, ball_main, &o), 0);
	while (o.total < 2000)
		loop_turn(o.loop, USEC_NEVER);
	pthread_join(thread, NULL);
	office_close(&o);
}
END_TEST

static void bounce_deliver(struct mail *mail, void *owner, usec_t now)
{
	struct office *o = owner;
	ck_assert_int_gt(now, 0);
	if (++o->total < 3)
		mailbox_send(o->box, mail);
	else
		free(mail);
}

START_TEST(test_a_mail_may_be_sent_on_while_it_is_delivered)
{
	struct office o;
	office_open(&o);
	struct mail *mail = mem_zalloc(sizeof(*mail));
	mail->deliver = bounce_deliver;
	mailbox_send(o.box, mail);
	while (o.total < 3)
		loop_turn(o.loop, USEC_NEVER);
	check_net_settle(o.loop);
	office_close(&o);
}
END_TEST

START_TEST(test_what_is_in_it_at_the_end_is_delivered)
{
	struct office o;
	office_open(&o);
	office_post(&o, 0, 0);
	office_post(&o, 0, 1);
	office_post(&o, 1, 0);
	mailbox_free(o.box);
	ck_assert_int_eq(o.total, 3);
	loop_free(o.loop);
}
END_TEST

START_TEST(test_delivering_by_hand_leaves_nothing_for_the_wake_up)
{
	struct office o;
	office_open(&o);
	office_post(&o, 0, 0);
	mailbox_deliver(o.box, usec_now());
	ck_assert_int_eq(o.total, 1);
	check_net_settle(o.loop);
	ck_assert_int_eq(o.total, 1);
	office_post(&o, 0, 1);
	loop_turn(o.loop, USEC_NEVER);
	ck_assert_int_eq(o.total, 2);
	office_close(&o);
}
END_TEST

Suite *mailbox_suite(void)
{
	Suite *s = suite_create("mailbox");
	TCase *t = tcase_create("mailbox");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_every_mail_of_every_thread_arrives_once_and_in_order);
	tcase_add_test(t, test_each_mail_to_a_sleeping_loop_wakes_it);
	tcase_add_test(t, test_a_mail_may_be_sent_on_while_it_is_delivered);
	tcase_add_test(t, test_what_is_in_it_at_the_end_is_delivered);
	tcase_add_test(t, test_delivering_by_hand_leaves_nothing_for_the_wake_up);
	suite_add_tcase(s, t);
	return s;
}
