/*
 * command.c - commands and questions to all workers, and their answers.
 */
#include "proxy/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/localpool.h"
#include "proxy/route.h"
#include "proxy/worker.h"

/* ---- commands ---------------------------------------------------------------------------- */

struct command;

struct command_part {
	struct mail mail;
	struct list link; /* worker->commands while it waits */
	struct command *command;
	struct worker *worker;
	size_t touched; /* clients, servers or pools */
};

/* Owned by the mails that are under way: main frees it with the last one back. */
struct command {
	enum proxy_command what;
	char *database; /* NULL: all */
	uint64_t id;
	proxy_done_fn done;
	void *arg;
	struct worker_shared *shared; /* not owned */
	unsigned waiting;             /* main's */
	size_t touched;               /* main's */
	struct command_part parts[];
};

static bool command_ends_clients(enum proxy_command what)
{
	return what == PROXY_COMMAND_KILL || what == PROXY_COMMAND_KILL_CLIENT;
}

static void command_part_back(struct mail *mail, void *owner, usec_t now)
{
	(void)owner;
	struct command_part *part = CONTAINER_OF(mail, struct command_part, mail);
	struct command *command = part->command;
	command->touched += part->touched;
	if (--command->waiting)
		return;
	if (command_ends_clients(command->what))
		moves_unbar(&command->shared->moves);
	if (command->done)
		command->done(command->arg, command->touched, now);
	free(command->database);
	free(command);
}

static void command_answer(struct command_part *part)
{
	list_remove(&part->link);
	part->mail.deliver = command_part_back;
	mailbox_send(part->command->shared->main, &part->mail);
}

static bool command_is_for(const struct command *command, const struct localpool *lp)
{
	return !command->database || strcmp(command->database, lp->route->database) == 0;
}

static bool command_is_drained(const struct command_part *part)
{
	LIST_EACH (node, tmp, &part->worker->pool.slices) {
		struct localpool *lp =
			localpool_of_slice(LIST_ENTRY(node, struct pool_slice, on_worker));
		if (command_is_for(part->command, lp) && lp->slice.paused &&
		    !pool_is_drained(&lp->slice))
			return false;
	}
	return true;
}

static void command_on_pool(struct command_part *part, struct localpool *lp, usec_t now)
{
	switch (part->command->what) {
	case PROXY_COMMAND_PAUSE:
		localpool_pause(lp, now);
		break;
	case PROXY_COMMAND_RESUME:
		pool_resume(&lp->slice, now);
		break;
	case PROXY_COMMAND_KILL:
		pool_pause(&lp->slice, now);
		localpool_end_clients(lp, ERROR_KILLED, now);
		pool_kill(&lp->slice, now);
		break;
	case PROXY_COMMAND_RECONNECT:
		localpool_reconnect(lp, now);
		break;
	case PROXY_COMMAND_KILL_CLIENT:
	case PROXY_COMMAND_COUNT:
		break;
	}
	part->touched++;
	localpool_touch(lp);
}

static void command_kill_client(struct command_part *part, usec_t now)
{
	LIST_EACH (node, tmp, &part->worker->client_list) {
		struct client *c = LIST_ENTRY(node, struct client, link);
		if (c->id != part->command->id || c->state == CLIENT_CLOSING)
			continue;
		client_fail(c, ERROR_KILLED, NULL, NULL, now);
		part->touched++;
	}
}

/* Who waits for what was resumed waits in vain: it is told so by being answered. */
static void command_resumed(struct worker *w, const char *database)
{
	LIST_EACH (node, tmp, &w->commands) {
		struct command_part *waiting = LIST_ENTRY(node, struct command_part, link);
		const char *its = waiting->command->database;
		if (!database || !its || strcmp(database, its) == 0)
			command_answer(waiting);
	}
}

static void command_part_arrive(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct command_part *part = CONTAINER_OF(mail, struct command_part, mail);
	enum proxy_command what = part->command->what;

	part->worker = w;
	if (what == PROXY_COMMAND_KILL_CLIENT) {
		command_kill_client(part, now);
	} else {
		LIST_EACH (node, tmp, &w->pool.slices) {
			struct localpool *lp =
				localpool_of_slice(LIST_ENTRY(node, struct pool_slice, on_worker));
			if (command_is_for(part->command, lp))
				command_on_pool(part, lp, now);
		}
	}
	if (what == PROXY_COMMAND_RESUME)
		command_resumed(w, part->command->database);
	if ((what == PROXY_COMMAND_PAUSE || what == PROXY_COMMAND_KILL) &&
	    !command_is_drained(part) && !w->stopping)
		list_push_back(&w->commands, &part->link);
	else
		command_answer(part);
	worker_settle(w, now);
}

void command_drained(struct worker *w, usec_t now)
{
	(void)now;
	LIST_EACH (node, tmp, &w->commands) {
		struct command_part *part = LIST_ENTRY(node, struct command_part, link);
		if (command_is_drained(part))
			command_answer(part);
	}
}

void command_give_up(struct worker *w, usec_t now)
{
	(void)now;
	LIST_EACH (node, tmp, &w->commands)
		command_answer(LIST_ENTRY(node, struct command_part, link));
}

void command_send(struct worker_shared *shared, enum proxy_command what, const char *database,
		  uint64_t id, proxy_done_fn done, void *arg)
{
	unsigned n = shared->worker_count;
	struct command *command = mem_zalloc(sizeof(*command) + n * sizeof(command->parts[0]));
	command->what = what;
	command->database = mem_strdup(database);
	command->id = id;
	command->done = done;
	command->arg = arg;
	command->shared = shared;
	command->waiting = n;
	if (command_ends_clients(what))
		moves_bar(&shared->moves);
	for (unsigned i = 0; i < n; i++) {
		struct command_part *part = &command->parts[i];
		part->command = command;
		list_init(&part->link);
		part->mail.deliver = command_part_arrive;
		mailbox_send(shared->workers[i]->box, &part->mail);
	}
}

/* ---- reports ------------------------------------------------------------------------------- */

struct command_question;

struct command_page {
	struct mail mail;
	struct command_question *question;
	unsigned index;
};

struct command_question {
	unsigned what;
	proxy_report_fn done;
	void *arg;
	struct mailbox *main;
	unsigned waiting, count;
	struct report *reports; /* owned; one per worker */
	struct command_page pages[];
};

static void command_page_back(struct mail *mail, void *owner, usec_t now)
{
	(void)owner;
	struct command_question *q = CONTAINER_OF(mail, struct command_page, mail)->question;
	if (--q->waiting)
		return;
	q->done(q->arg, q->reports, q->count, now);
	for (unsigned i = 0; i < q->count; i++)
		report_fini(&q->reports[i]);
	free(q->reports);
	free(q);
}

static void command_page_arrive(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct command_page *page = CONTAINER_OF(mail, struct command_page, mail);
	worker_report(w, page->question->what, &page->question->reports[page->index], now);
	page->mail.deliver = command_page_back;
	mailbox_send(page->question->main, &page->mail);
}

void command_ask(struct worker_shared *shared, unsigned what, proxy_report_fn done, void *arg)
{
	unsigned n = shared->worker_count;
	struct command_question *q = mem_zalloc(sizeof(*q) + n * sizeof(q->pages[0]));
	q->what = what;
	q->done = done;
	q->arg = arg;
	q->main = shared->main;
	q->waiting = q->count = n;
	q->reports = mem_zalloc(n * sizeof(*q->reports));
	for (unsigned i = 0; i < n; i++) {
		struct command_page *page = &q->pages[i];
		report_init(&q->reports[i], (int)i);
		page->question = q;
		page->index = i;
		page->mail.deliver = command_page_arrive;
		mailbox_send(shared->workers[i]->box, &page->mail);
	}
}
