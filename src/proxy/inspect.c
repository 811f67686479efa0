/*
 * inspect.c - what does this session hold?
 *
 * A row is (kind, name, value): 's' a state and how many there are of it, 'l' a channel that it
 * listens to, 'v' a setting that was asked for by its name (no value: there is none), 'g' one that
 * pg_settings says was set in the session. The server lists there what it knows itself; custom ones
 * (my.tenant), role and session_authorization it tells only to who names them.
 */
#include "proxy/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/came.h"
#include "proxy/client.h"
#include "proxy/ear.h"
#include "proxy/errand.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/worker.h"
#include "wire/notice.h"
#include "wire/reader.h"

#define EQ " OPERATOR(pg_catalog.=) "
#define IN_TEMP(column) column EQ "pg_catalog.pg_my_temp_schema()"

static const struct {
	unsigned state;
	const char *from;
} inspect_questions[] = {
	{ KEEP(PREPARE), "pg_catalog.pg_prepared_statements WHERE from_sql" },
	{ KEEP(CURSOR), "pg_catalog.pg_cursors WHERE is_holdable" },
	{ KEEP(LOCK), "pg_catalog.pg_locks WHERE locktype" EQ "'advisory' AND pid" EQ
		      "pg_catalog.pg_backend_pid()" },
	{ KEEP(TEMP), "pg_catalog.pg_class WHERE " IN_TEMP("relnamespace") },
	{ KEEP(TEMP), "pg_catalog.pg_proc WHERE " IN_TEMP("pronamespace") },
	{ KEEP(TEMP), "pg_catalog.pg_type WHERE " IN_TEMP("typnamespace") },
	{ KEEP(TEMP), "pg_catalog.pg_operator WHERE " IN_TEMP("oprnamespace") },
	{ KEEP(TEMP), "pg_catalog.pg_collation WHERE " IN_TEMP("collnamespace") },
	{ KEEP(TEMP), "pg_catalog.pg_conversion WHERE " IN_TEMP("connamespace") },
	{ KEEP(TEMP), "pg_catalog.pg_opfamily WHERE " IN_TEMP("opfnamespace") },
	{ KEEP(TEMP), "pg_catalog.pg_opclass WHERE " IN_TEMP("opcnamespace") },
	{ KEEP(TEMP), "pg_catalog.pg_statistic_ext WHERE " IN_TEMP("stxnamespace") },
	{ KEEP(TEMP), "pg_catalog.pg_ts_config WHERE " IN_TEMP("cfgnamespace") },
	{ KEEP(TEMP), "pg_catalog.pg_ts_dict WHERE " IN_TEMP("dictnamespace") },
	{ KEEP(TEMP), "pg_catalog.pg_ts_parser WHERE " IN_TEMP("prsnamespace") },
	{ KEEP(TEMP), "pg_catalog.pg_ts_template WHERE " IN_TEMP("tmplnamespace") },
};

/* An extension's own (plpgsql.extra_warnings) are listed once it is loaded. */
#define INSPECT_UNLISTED                                                                           \
	" WHERE pg_catalog.lower(n) OPERATOR(pg_catalog.<>) ALL "                                  \
	"(SELECT pg_catalog.lower(name) FROM pg_catalog.pg_settings)"

/* So much of settings follows a client, at most: who has more keeps its server. */
#define INSPECT_SETTINGS_BYTES ((size_t)1 << 20)

struct inspect {
	struct paramset *set; /* a reference: what the settings turn out to be */
	unsigned found;
	struct buf channels; /* each with a zero behind it */
	uint64_t kept_set;   /* asks_all: of what the client came with and servers report, what the
				session has set; a bit each */
	bool asks_all;
	bool is_odd;     /* a row could not be read, or is too long; or there is too much */
	bool is_patient; /* the client's statement_timeout does not hold */
	bool ran_out;    /* of time */
};

/* It holds for our question too, and may end it. */
#define INSPECT_TIMEOUT "statement_timeout"

void inspect_free(struct inspect *look)
{
	if (!look)
		return;
	paramset_unref(look->set);
	buf_fini(&look->channels);
	free(look);
}

/* ---- the question ------------------------------------------------------------------------- */

static void inspect_add_states(struct buf *sql, unsigned states)
{
	if (states & KEEP(LISTEN))
		buf_add_str(sql, "SELECT 'l', c, NULL::pg_catalog.text FROM "
				 "pg_catalog.pg_listening_channels() c");
	for (size_t i = 0; i < COUNT_OF(inspect_questions); i++)
		if (states & inspect_questions[i].state)
			buf_addf(sql,
				 "%sSELECT 's', '%u', pg_catalog.count(*)::pg_catalog.text FROM %s",
				 buf_len(sql) ? " UNION ALL " : "", inspect_questions[i].state,
				 inspect_questions[i].from);
}

static bool inspect_is_timeout(const char *name)
{
	return strcasecmp(name, INSPECT_TIMEOUT) == 0;
}

static void inspect_add_name(struct buf *names, const char *name)
{
	buf_addf(names, "%s%s", buf_len(names) ? "," : "", name);
}

/* Custom settings, which the server does not list: those of this client and those seen elsewhere.
 */
static void inspect_add_custom(struct buf *names, const struct server *s)
{
	struct slice key;
	void *value;
	for (size_t at = 0; map_next(&s->pool->harmless.settings, &at, &key, &value);)
		buf_addf(names, "%s%.*s", buf_len(names) ? "," : "", SLICE_ARGS(key));
	for (size_t i = 0; i < paramset_count(s->params); i++)
		if (strchr(paramset_member(s->params, i)->name, '.'))
			inspect_add_name(names, paramset_member(s->params, i)->name);
}

static void inspect_add_settings(struct buf *sql, const struct server *s, const struct keep *keep,
				 bool but_timeout)
{
	struct buf names = { 0 };
	for (size_t i = 0; i < keep->name_count; i++) /* or pg_settings has it, if it is set */
		if ((!keep->asks_all || strchr(keep->names[i], '.')) &&
		    !(but_timeout && inspect_is_timeout(keep->names[i])))
			inspect_add_name(&names, keep->names[i]);
	if (keep->asks_all) {
		inspect_add_custom(&names, s);
		inspect_add_name(&names, "role");
	}
	if (keep->asks_all || (keep->suspected | keep->kept) & KEEP(AUTHORIZATION))
		inspect_add_name(&names, "session_authorization");
	if (buf_len(&names))
		buf_addf(sql,
			 "%sSELECT 'v', n, pg_catalog.current_setting(n, true) FROM "
			 "pg_catalog.unnest('{%s}'::pg_catalog.text[]) n%s",
			 buf_len(sql) ? " UNION ALL " : "", buf_cstr(&names),
			 keep->asks_all ? INSPECT_UNLISTED : "");
	if (keep->asks_all)
		buf_addf(sql,
			 "%sSELECT 'g', name, pg_catalog.current_setting(name, true) FROM "
			 "pg_catalog.pg_settings WHERE source" EQ "'session'%s",
			 buf_len(sql) ? " UNION ALL " : "",
			 but_timeout ? " AND name OPERATOR(pg_catalog.<>) '" INSPECT_TIMEOUT "'"
				     : "");
	buf_fini(&names);
}

/* What it is, if it may be news, is asked for before it is out of force. */
static void inspect_set_timeout_aside(struct buf *sql, const struct keep *keep)
{
	bool is_news = keep->asks_all;
	for (size_t i = 0; i < keep->name_count && !is_news; i++)
		is_news = inspect_is_timeout(keep->names[i]);
	if (is_news)
		buf_add_str(sql, "SELECT 'v', '" INSPECT_TIMEOUT "', "
				 "pg_catalog.current_setting('" INSPECT_TIMEOUT "');");
	buf_add_str(sql, "SET LOCAL " INSPECT_TIMEOUT " TO 0;");
}

static void inspect_add_question(struct buf *sql, const struct server *s, bool is_patient)
{
	const struct keep *keep = s->client->keep;
	struct buf all = { 0 };
	inspect_add_states(&all, keep->suspected | keep->kept);
	inspect_add_settings(&all, s, keep, is_patient);
	if (is_patient)
		inspect_set_timeout_aside(sql, keep);
	buf_add_slice(sql, buf_slice(&all));
	buf_fini(&all);
}

static bool inspect_is_reported(struct slice name, const void *arg)
{
	return worker_tracks(arg, name);
}

static void inspect_ask(struct server *s, bool is_patient, usec_t now)
{
	struct client *c = s->client;
	struct keep *keep = c->keep;
	struct buf sql = { 0 };
	inspect_add_question(&sql, s, is_patient);
	if (buf_len(&sql) == 0) { /* nothing of it can be asked */
		buf_fini(&sql);
		keep_looked(c, 0, false, now);
		server_settle(s, now);
		return;
	}
	struct inspect *look = mem_zalloc(sizeof(*look));
	look->is_patient = is_patient;
	look->asks_all = keep->asks_all;
	look->set = look->asks_all
			    ? paramset_filtered(s->params, inspect_is_reported, s->pool->worker)
			    : paramset_ref(s->params);
	s->look = look;
	s->pool->stats.looks++;
	errand_query(s, SERVER_ERRAND_LOOK, buf_slice(&sql), now);
	buf_fini(&sql);
}

void inspect_start(struct server *s, usec_t now)
{
	struct keep *keep = s->client->keep;
	keep->asks_all |= keep->has_reset;
	inspect_ask(s, false, now);
}

/* ---- the answer --------------------------------------------------------------------------- */

static bool inspect_is_none(struct slice name, struct slice value)
{
	return slice_ieq_str(name, "role") && slice_eq_str(value, "none");
}

/* Is it a custom setting that this client has nothing to do with, or no more, and is empty because
 * another one has set it there, or it has? */
static bool inspect_is_of_others(const struct server *s, struct slice name)
{
	const struct client *c = s->client;
	if (!c || !c->keep || !memchr(name.ptr, '.', name.len))
		return false;
	if (!c->keep->has_lost_all &&
	    (paramset_get(c->params, name) || paramset_get(c->came_with, name)))
		return false;
	for (size_t i = 0; i < c->keep->name_count; i++)
		if (slice_ieq_str(name, c->keep->names[i]))
			return false;
	return true;
}

/* One that is reported is known from that; was it reset? */
static void inspect_note_set(struct server *s, struct slice name)
{
	const struct paramset *came_with = s->client ? s->client->came_with : NULL;
	for (size_t i = 0; came_with && i < paramset_count(came_with) && i < 64; i++)
		if (slice_ieq_str(name, paramset_member(came_with, i)->name))
			s->look->kept_set |= UINT64_C(1) << i;
}

static void inspect_setting(struct server *s, struct slice name, struct slice value)
{
	struct inspect *look = s->look;
	if (worker_tracks(s->pool->worker, name) || paramset_name_is_passing(name))
		return;
	if (slice_ieq_str(name, "session_authorization")) {
		if (!slice_eq_str(value, s->pool->route->user))
			look->found |= KEEP(AUTHORIZATION);
		return;
	}
	bool is_nothing = value.ptr && value.len == 0 && inspect_is_of_others(s, name);
	/* who came with a role has none now */
	bool came_with = s->client && paramset_get(s->client->came_with, name);
	if (!value.ptr || is_nothing || (inspect_is_none(name, value) && !came_with))
		paramset_replace(&look->set, paramset_without(look->set, name));
	else
		paramset_replace(&look->set, server_param_said(s, look->set, name, value));
	look->is_odd |= paramset_bytes(look->set) > INSPECT_SETTINGS_BYTES;
}

void inspect_row(struct server *s, struct slice body)
{
	struct inspect *look = s->look;
	struct reader r;
	reader_init(&r, body);
	uint16_t columns = reader_u16(&r);
	struct slice kind = reader_value(&r), name = reader_value(&r), value = reader_value(&r);
	if (look && look->is_odd)
		return; /* what it all is is not to be known any more */
	if (!look || reader_failed(&r) || columns != 3 || kind.len != 1 || !name.ptr) {
		if (look)
			look->is_odd = true;
		return;
	}
	if (kind.ptr[0] == 'l') {
		look->found |= KEEP(LISTEN);
		buf_add_slice(&look->channels, name);
		buf_u8(&look->channels, 0);
	} else if (kind.ptr[0] != 's') {
		inspect_note_set(s, name);
		inspect_setting(s, name, value);
	} else if (!slice_eq_str(value, "0"))
		look->found |= (unsigned)strtoul(name.ptr, NULL, 10);
}

bool inspect_failed(struct server *s, struct slice body)
{
	s->look->ran_out = !s->look->is_patient && notice_is(body, "57014");
	return s->look->ran_out;
}

/* What code has reset that no text shows: the client has what it came with. */
static void inspect_reset(struct server *s, const struct inspect *look, usec_t now)
{
	struct client *c = s->client;
	for (size_t i = 0; i < paramset_count(c->came_with) && i < 64; i++) {
		const struct paramset_member *m = paramset_member(c->came_with, i);
		struct slice name = slice_of(m->name);
		if (look->kept_set >> i & 1 || !worker_tracks(c->worker, name))
			continue;
		paramset_replace(&s->params, paramset_without(s->params, name));
		came_back(c, m, now);
	}
}

void inspect_done(struct server *s, bool failed, usec_t now)
{
	struct inspect *look = s->look;
	struct client *c = s->client;
	s->look = NULL;
	if (c && c->keep && look->ran_out) {
		inspect_ask(s, true, now);
	} else if (c && c->keep) {
		if (failed || look->is_odd) {
			keep_is_unknown(c, now);
		} else {
			bool changed = look->set != s->params;
			paramset_replace(&s->params, paramset_ref(look->set));
			paramset_replace(&c->params, c->keep->has_reset
							     ? came_params_again(c, look->set)
							     : came_params(c, look->set));
			if (look->asks_all)
				inspect_reset(s, look, now);
			if ((c->keep->suspected & KEEP_ASKED) == KEEP_ASKED)
				s->is_unasked = false;
			if (look->found & KEEP(LISTEN))
				ear_found(c, buf_slice(&look->channels));
			keep_looked(c, look->found, changed, now);
		}
		conn_again(&c->conn); /* with what it has asked meanwhile */
	}
	inspect_free(look);
}
