/*
 * authtarget.c - a connection for auth_query, and the questions that wait for it.
 *
 *	AWAY ---> CONNECTING ---> READY <---> ASKING
 *	  ^-----------'-------------'-----------'
 *
 * A login is a connector's (in a helper), a question is an authtalk's (in a helper); in between
 * everything happens here, on main's thread.
 */
#include "proxy/authtarget.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"
#include "proxy/authtalk.h"
#include "proxy/connector.h"
#include "proxy/dbtarget.h"
#include "proxy/setup.h"

#define AUTHTARGET_IDLE_US (60 * USEC_PER_SEC)
#define AUTHTARGET_LOG_US (5 * USEC_PER_SEC) /* between two lines about the same target */

/* clang-format off */
#define TO(state) (1u << AUTHTARGET_##state)
#define AUTHTARGET_STATES(X) \
	/*state       may become */ \
	X(AWAY,       TO(CONNECTING)) \
	X(CONNECTING, TO(READY) | TO(AWAY)) \
	X(READY,      TO(ASKING) | TO(AWAY)) \
	X(ASKING,     TO(READY) | TO(AWAY))
/* clang-format on */

enum authtarget_state {
#define X(state, edges) AUTHTARGET_##state,
	AUTHTARGET_STATES(X)
#undef X
};

struct authtarget {
	struct authtarget_options options; /* its setup a reference, its strings owned */
	const char *database;              /* its text */
	enum authtarget_state state;
	struct list queue; /* of questions; the first is the one that is asked */
	struct connector_link link;
	struct authtalk talk;
	struct timer tick;
	usec_t retry_at; /* AWAY: no login before that; 0 */
	bool is_used;    /* the connection has answered before */
	bool is_proven;
	bool is_retired;
	usec_t logged_at;
	unsigned unlogged;
};

/* The only writer of the state. */
static void authtarget_enter(struct authtarget *t, enum authtarget_state to)
{
	static const unsigned edges[] = {
#define X(state, edges_) [AUTHTARGET_##state] = (edges_),
		AUTHTARGET_STATES(X)
#undef X
	};
	BUG_ON(!(edges[t->state] & 1u << to));
	t->state = to;
}

/* ---- what the operator hears ------------------------------------------------------------ */

static void authtarget_log(struct authtarget *t, const char *text, usec_t now)
{
	if (t->logged_at && now < usec_after(t->logged_at, AUTHTARGET_LOG_US)) {
		t->unlogged++;
		return;
	}
	if (t->unlogged)
		LOG_WARNING("auth_query in \"%s\" as \"%s\": %s (and %u such before it)",
			    t->database, t->options.auth_user, text, t->unlogged);
	else
		LOG_WARNING("auth_query in \"%s\" as \"%s\": %s", t->database, t->options.auth_user,
			    text);
	t->logged_at = now;
	t->unlogged = 0;
}

/* ---- answers ------------------------------------------------------------------------------ */

static void authtarget_answer(struct authtarget *t, const struct authtarget_result *result,
			      usec_t now)
{
	struct authtarget_question *q = LIST_FIRST(&t->queue, struct authtarget_question, link);
	list_remove(&q->link);
	q->done(q, result, now);
}

static void authtarget_answer_all(struct authtarget *t, enum authquery_verdict verdict,
				  const char *why, usec_t now)
{
	const struct authtarget_result result = { .verdict = verdict,
						  .why = why,
						  .is_nowhere = verdict == AUTHQUERY_NO };
	while (!list_is_empty(&t->queue))
		authtarget_answer(t, &result, now);
}

static void authtarget_drop(struct authtarget *t, bool politely)
{
	connector_close(&t->link, politely);
	authtarget_enter(t, AUTHTARGET_AWAY);
}

static void authtarget_run(struct authtarget *t, usec_t now);

/* ---- logging in ----------------------------------------------------------------------------- */

static void authtarget_failed(struct authtarget *t, const struct connector_fault *fault, usec_t now)
{
	bool is_nowhere = t->options.is_named_by_client && strcmp(fault->sqlstate, "3D000") == 0;
	authtarget_enter(t, AUTHTARGET_AWAY);
	authtarget_log(t, fault->log, now);
	t->is_proven = false;
	t->retry_at = usec_after(now, t->options.retry);
	authtarget_answer_all(t, is_nowhere ? AUTHQUERY_NO : AUTHQUERY_FAILED,
			      "The server could not be reached, or refused the pooler's login.",
			      now);
}

static void authtarget_connected(struct connector *c, void *owner UNUSED, usec_t now)
{
	struct authtarget *t = connector_arg(c);
	if (connector_is_ok(c)) {
		t->link = connector_take(c);
		connector_drop_params(&t->link);
		t->is_used = false;
		t->is_proven = true;
		t->retry_at = 0;
		authtarget_enter(t, AUTHTARGET_READY);
	} else {
		authtarget_failed(t, connector_fault(c), now);
	}
	connector_free(c);
	authtarget_run(t, now);
}

/* auth_file's word first, then the database's own. */
static void authtarget_tell_secret(const struct authtarget *t, struct connector *c,
				   const struct conf_database *db)
{
	const char *user = t->options.auth_user;
	const struct secret *secret = userlist_get(t->options.setup->users, slice_of(user));

	if (secret && secret_kind(secret) == SECRET_PLAIN) {
		char *text = slice_dup(secret_text(secret));
		connector_set(c, "password", text);
		mem_wipe(text, strlen(text));
		free(text);
	} else if (*db->password && strcmp(db->user, user) == 0) {
		connector_set(c, "password", db->password);
	} else if (secret && secret_kind(secret) == SECRET_MD5) {
		connector_set_md5(c, secret_md5_hex(secret).ptr);
	}
}

/* Behind whatever the connection string says, so that it holds. */
static void authtarget_tell_session(const struct authtarget *t, struct connector *c,
				    struct buf *options)
{
	buf_addf(options, "%s-c search_path=pg_catalog", buf_len(options) ? " " : "");
	buf_addf(options, " -c datestyle=ISO");
	if (t->options.timeout != USEC_NEVER)
		buf_addf(options, " -c statement_timeout=%lld",
			 (long long)(t->options.timeout / USEC_PER_MSEC) + 1);
	connector_set(c, "options", buf_cstr(options));
	connector_set(c, "client_encoding", "SQL_ASCII"); /* bytes as they are */
	connector_set(c, "application_name", "pgweir auth_query");
}

static void authtarget_connect(struct authtarget *t, usec_t now)
{
	const struct conf *conf = t->options.setup->conf;
	const struct conf_database *db = conf_find_database(conf, t->options.database);
	struct connector *c = connector_new();
	struct buf options = { 0 };

	authtarget_enter(t, AUTHTARGET_CONNECTING);
	dbtarget_tell(c, db, t->database, &options);
	connector_set(c, "user", t->options.auth_user);
	authtarget_tell_secret(t, c, db);
	authtarget_tell_session(t, c, &options);
	buf_fini(&options);
	if (connector_start(c, t->options.crew, t->options.box, usec_after(now, t->options.timeout),
			    authtarget_connected, t))
		return;
	const struct connector_fault full = { .log = "too many questions wait for a helper" };
	connector_free(c);
	authtarget_failed(t, &full, now);
}

/* ---- asking -----------------------------------------------------------------------------------
 */

/* The connection has gone: over a question that it may never have seen if it had idled. */
static void authtarget_lost(struct authtarget *t, usec_t now)
{
	struct authtarget_question *q = LIST_FIRST(&t->queue, struct authtarget_question, link);
	bool was_used = t->is_used;

	authtarget_drop(t, false);
	if (was_used && !q->is_second) {
		q->is_second = true;
		return;
	}
	authtarget_log(t, t->talk.text, now);
	t->retry_at = usec_after(now, t->options.retry);
	authtarget_answer_all(t, AUTHQUERY_FAILED, "The server broke the connection.", now);
}

static void authtarget_judge(struct authtarget *t, usec_t now)
{
	static const char useless[] = "auth_query is of no use: the pooler's log says why.";
	struct authtarget_result result = { .verdict = AUTHQUERY_FAILED, .why = useless };

	if (t->talk.outcome == AUTHTALK_USER)
		result = (struct authtarget_result){ .verdict = AUTHQUERY_YES,
						     .secret = t->talk.secret,
						     .lasts = t->talk.lasts };
	else if (t->talk.outcome == AUTHTALK_NOBODY)
		result = (struct authtarget_result){ .verdict = AUTHQUERY_NO };
	if (*t->talk.text)
		authtarget_log(t, t->talk.text, now);
	if (t->talk.is_over)
		authtarget_drop(t, false);
	else
		authtarget_enter(t, AUTHTARGET_READY);
	authtarget_answer(t, &result, now);
}

static void authtarget_talked(struct mail *mail, void *owner UNUSED, usec_t now)
{
	struct authtalk *talk = CONTAINER_OF(mail, struct authtalk, job.mail);
	struct authtarget *t = CONTAINER_OF(talk, struct authtarget, talk);

	if (talk->outcome == AUTHTALK_LOST)
		authtarget_lost(t, now);
	else
		authtarget_judge(t, now);
	t->is_used = true;
	secret_unref(talk->secret);
	talk->secret = NULL;
	authtarget_run(t, now);
}

static void authtarget_submit(struct authtarget *t, usec_t now)
{
	const struct authtarget_question *q =
		LIST_FIRST(&t->queue, struct authtarget_question, link);
	t->talk = (struct authtalk){ .job.mail.deliver = authtarget_talked,
				     .job.deadline = q->deadline,
				     .link = &t->link,
				     .sql = q->sql,
				     .user = q->user };
	if (authtalk_submit(&t->talk, t->options.crew, t->options.box)) {
		authtarget_enter(t, AUTHTARGET_ASKING);
		return;
	}
	authtarget_log(t, "too many questions wait for a helper", now);
	authtarget_answer_all(t, AUTHQUERY_FAILED, "Too many logins are under way.", now);
}

/* ---- what comes next ----------------------------------------------------------------------------
 */

/* Those whose time has passed while others were asked for. */
static void authtarget_expire(struct authtarget *t, usec_t now)
{
	const struct authtarget_result late = { .verdict = AUTHQUERY_FAILED,
						.why = "The server did not answer in time." };
	struct authtarget_question *q;
	while ((q = LIST_FIRST(&t->queue, struct authtarget_question, link)) && q->deadline <= now)
		authtarget_answer(t, &late, now);
}

/* Nobody waits: what is there to be done later? */
static void authtarget_rest(struct authtarget *t, usec_t now)
{
	if (t->state == AUTHTARGET_READY && t->is_retired)
		authtarget_drop(t, true);
	if (t->state == AUTHTARGET_READY)
		loop_set_timer(t->options.loop, &t->tick, usec_after(now, AUTHTARGET_IDLE_US));
	else
		loop_set_timer(t->options.loop, &t->tick, t->is_retired ? now : t->retry_at);
}

static void authtarget_run(struct authtarget *t, usec_t now)
{
	if (t->state == AUTHTARGET_CONNECTING || t->state == AUTHTARGET_ASKING)
		return;
	authtarget_expire(t, now);
	if (!list_is_empty(&t->queue) && t->state == AUTHTARGET_AWAY) {
		loop_clear_timer(&t->tick);
		if (now >= t->retry_at)
			authtarget_connect(t, now);
		else
			authtarget_answer_all(t, AUTHQUERY_FAILED,
					      "The server could not be reached a moment ago.", now);
	} else if (!list_is_empty(&t->queue)) {
		loop_clear_timer(&t->tick);
		authtarget_submit(t, now);
	}
	if (!authtarget_is_busy(t))
		authtarget_rest(t, now);
}

static void authtarget_on_tick(struct timer *timer, usec_t now)
{
	struct authtarget *t = CONTAINER_OF(timer, struct authtarget, tick);
	if (authtarget_is_busy(t))
		return;
	if (t->state == AUTHTARGET_READY)
		authtarget_drop(t, true);
	if (now < t->retry_at && !t->is_retired)
		loop_set_timer(t->options.loop, &t->tick, t->retry_at);
	else
		t->options.on_idle(t, t->options.arg);
}

/* ---- for the owner ------------------------------------------------------------------------------
 */

struct authtarget *authtarget_new(const struct authtarget_options *options)
{
	struct authtarget *t = mem_zalloc(sizeof(*t));
	t->options = *options;
	t->options.setup = setup_ref(options->setup);
	t->database = slice_dup(options->database);
	t->options.database = slice_of(t->database);
	t->options.auth_user = mem_strdup(options->auth_user);
	t->link.fd = -1;
	list_init(&t->queue);
	wheel_init_timer(&t->tick, authtarget_on_tick);
	return t;
}

void authtarget_free(struct authtarget *t)
{
	BUG_ON(authtarget_is_busy(t));
	loop_clear_timer(&t->tick);
	if (t->state == AUTHTARGET_READY)
		authtarget_drop(t, true);
	setup_unref(t->options.setup);
	free((char *)t->database);
	free((char *)t->options.auth_user);
	free(t);
}

void authtarget_ask(struct authtarget *t, struct authtarget_question *q, usec_t now)
{
	q->deadline = usec_after(now, t->options.timeout);
	q->is_second = false;
	list_push_back(&t->queue, &q->link);
	authtarget_run(t, now);
}

bool authtarget_is_proven(const struct authtarget *t)
{
	return t->is_proven;
}

bool authtarget_is_busy(const struct authtarget *t)
{
	return t->state == AUTHTARGET_CONNECTING || t->state == AUTHTARGET_ASKING ||
	       !list_is_empty(&t->queue);
}

void authtarget_retire(struct authtarget *t, usec_t now)
{
	t->is_retired = true;
	authtarget_run(t, now);
}
