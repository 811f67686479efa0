/*
 * learn.c - the question, in SQL, and its answer.
 *
 * A row is (kind, name): 'g' the pid of a ghost (proxy/site.h) that is still there, 'r' a name that
 * hides code, 'd' there are event triggers, 'a' code may run anywhere (a cast between types of
 * PostgreSQL's), 'n' a setting that the source of a function names.
 */
#include "proxy/learn.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/errand.h"
#include "proxy/hidden.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/worker.h"
#include "wire/notice.h"
#include "wire/reader.h"

struct learn {
	struct hidden_lore *lore; /* a reference */
	struct site *site;        /* a reference: the pool's may lead elsewhere before the answer */
	usec_t asked_at;
	size_t ghost_count;
	struct site_ghost ghosts[SITE_MAX_GHOSTS]; /* that were asked for; those still there have
						      no pid */
	bool at_link;
	bool is_odd; /* a row could not be read */
};

/* ---- the question ------------------------------------------------------------------------- */

/* No object of a user's is found in place of PostgreSQL's, and no timeout of a client's ends it.
 * What is asked later is to be seen as it is then. */
#define LEARN_BEFORE                                                                               \
	"SET TRANSACTION ISOLATION LEVEL READ COMMITTED;"                                          \
	"SET LOCAL search_path TO pg_catalog, pg_temp; SET LOCAL statement_timeout TO 0;"          \
	"SELECT set_config('jit', 'off', true) WHERE current_setting('jit', true) = 'on';"

/* Functions of PostgreSQL's that leave something, or run SQL in a string. */
#define LEARN_RISKY                                                                                \
	"SELECT ':funcid (' || string_agg(oid::text, '|') || ') ' FROM pg_proc "                   \
	"WHERE oid < 16384 AND proname = ANY ('{set_config,pg_advisory_lock,"                      \
	"pg_advisory_lock_shared,pg_try_advisory_lock,pg_try_advisory_lock_shared,"                \
	"pg_advisory_unlock,pg_advisory_unlock_shared,pg_advisory_unlock_all,query_to_xml,"        \
	"query_to_xmlschema,query_to_xml_and_xmlschema,cursor_to_xml,table_to_xml,schema_to_xml,"  \
	"database_to_xml,ts_stat,ts_rewrite}')"

#define LEARN_ALSO " UNION ALL SELECT "

/* What calls code by itself: (class, object), as in pg_depend. */
#define LEARN_SEED                                                                                   \
	"SELECT 'pg_proc'::regclass::oid, oid FROM pg_proc "                                         \
	"WHERE oid >= 16384 AND prolang <> ALL ('{12,13}')" /* internal, c */                        \
		LEARN_ALSO "'pg_class'::regclass, 'pg_settings'::regclass" LEARN_ALSO                \
	"'pg_class'::regclass, ev_class FROM pg_rewrite, risky "                                     \
	"WHERE oid >= 16384 AND ev_action::text ~ p" LEARN_ALSO                                      \
	"'pg_class'::regclass, adrelid FROM pg_attrdef, risky WHERE adbin::text ~ p" LEARN_ALSO      \
	"'pg_constraint'::regclass, oid FROM pg_constraint, risky WHERE conbin::text ~ p" LEARN_ALSO \
	"'pg_class'::regclass, polrelid FROM pg_policy, risky "                                      \
	"WHERE polqual::text ~ p OR polwithcheck::text ~ p" LEARN_ALSO                               \
	"'pg_class'::regclass, tgrelid FROM pg_trigger, risky WHERE tgqual::text ~ p" LEARN_ALSO     \
	"'pg_class'::regclass, indrelid FROM pg_index, risky "                                       \
	"WHERE indexrelid >= 16384 AND (indexprs::text ~ p OR indpred::text ~ p)"

/* A macro's arguments are broken wherever a line ends, otherwise. */
/* clang-format off */

/* From `column` of the row of f's own, in that catalog: what f is of. */
#define LEARN_OF(catalog, key, class, column) \
	LEARN_ALSO "'" class "'::regclass, " column " FROM " catalog \
	" WHERE f.cls = '" catalog "'::regclass AND " key " = f.obj"

/* What uses f, and what f is a part of. Of tables only views and policies run what they hide: one
 * that refers to another runs its triggers where rows of its are deleted with it, and one that is a
 * part of another gets that one's rows. */
#define LEARN_EDGES \
	"SELECT d.classid, d.objid FROM pg_depend d " \
	"WHERE d.refclassid = f.cls AND d.refobjid = f.obj AND d.classid = ANY (CASE " \
	"WHEN f.cls = 'pg_class'::regclass THEN '{pg_rewrite,pg_policy}'::regclass[] " \
	"ELSE '{pg_rewrite,pg_policy,pg_trigger,pg_attrdef,pg_constraint,pg_class,pg_type," \
	"pg_proc,pg_operator,pg_cast,pg_amproc,pg_amop,pg_opclass}'::regclass[] END)" \
	LEARN_OF("pg_rewrite", "oid", "pg_class", "ev_class") \
	LEARN_OF("pg_policy", "oid", "pg_class", "polrelid") \
	LEARN_OF("pg_trigger", "oid", "pg_class", "tgrelid") \
	LEARN_OF("pg_attrdef", "oid", "pg_class", "adrelid") \
	LEARN_OF("pg_constraint", "oid", "pg_class", "conrelid") \
	LEARN_OF("pg_constraint", "oid", "pg_type", "contypid") \
	LEARN_OF("pg_cast", "oid", "pg_type", "castsource") \
	LEARN_OF("pg_cast", "oid", "pg_type", "casttarget") \
	LEARN_OF("pg_amproc", "oid", "pg_type", "amproclefttype") \
	LEARN_OF("pg_amop", "oid", "pg_type", "amoplefttype") \
	LEARN_ALSO "'pg_opclass'::regclass, o.oid FROM pg_amproc a JOIN pg_opclass o " \
	"ON o.opcfamily = a.amprocfamily WHERE f.cls = 'pg_amproc'::regclass AND a.oid = f.obj" \
	LEARN_ALSO "'pg_class'::regclass, indrelid FROM pg_index " \
	"WHERE f.cls = 'pg_class'::regclass AND indexrelid = f.obj" \
	LEARN_ALSO "'pg_class'::regclass, inhparent FROM pg_inherits " \
	"WHERE f.cls = 'pg_class'::regclass AND inhrelid = f.obj" \
	LEARN_ALSO "'pg_class'::regclass, confrelid FROM pg_constraint " \
	"WHERE f.cls = 'pg_class'::regclass AND conrelid = f.obj " \
	"AND (confdeltype = ANY ('{c,n,d}') OR confupdtype = ANY ('{c,n,d}'))" \
	LEARN_ALSO "'pg_type'::regclass, reltype FROM pg_class " \
	"WHERE f.cls = 'pg_class'::regclass AND oid = f.obj AND relkind = 'c'"

/* clang-format on */

/* Functions that are called without a parenthesis (t.f), or have a name of PostgreSQL's. */
#define LEARN_UNSEEN_CALLS                                                                         \
	"SELECT p.proname FROM found JOIN pg_proc p "                                              \
	"ON cls = 'pg_proc'::regclass AND p.oid = obj "                                            \
	"WHERE EXISTS (SELECT FROM pg_proc q WHERE q.proname = p.proname AND q.oid < 16384) "      \
	"OR EXISTS (SELECT FROM pg_type t WHERE t.oid = p.proargtypes[0] "                         \
	"AND t.typtype = ANY ('{c,p}'))"

#define LEARN_NAMES                                                                                \
	"SELECT relname FROM found JOIN pg_class c ON cls = 'pg_class'::regclass AND c.oid = obj " \
	"WHERE obj >= 16384 AND relpersistence <> 't' AND relkind = ANY ('{r,v,m,f,p}') "          \
	"UNION SELECT typname FROM found JOIN pg_type c "                                          \
	"ON cls = 'pg_type'::regclass AND c.oid = obj WHERE obj >= 16384 "                         \
	"UNION SELECT oprname FROM found JOIN pg_operator c "                                      \
	"ON cls = 'pg_operator'::regclass AND c.oid = obj UNION " LEARN_UNSEEN_CALLS

/* Settings that functions set, as sql/mention.h has it. */
#define LEARN_SETTINGS                                                                             \
	"SELECT DISTINCT lower(coalesce(m[1], m[2])) FROM pg_proc, regexp_matches(prosrc, "        \
	"$$set_config\\s*\\(\\s*'([a-z_][a-z_0-9$]*(?:[.][a-z_][a-z_0-9$]*)+)'"                    \
	"|\\mset\\s+(?:session\\s+)?([a-z_][a-z_0-9$]*(?:[.][a-z_][a-z_0-9$]*)+)$$, 'gi') m "      \
	"WHERE pg_proc.oid >= 16384"

/* The settings first: they are known then whatever becomes of the rest. */
#define LEARN_QUESTION                                                                             \
	"SELECT 'n', n FROM (" LEARN_SETTINGS ") s(n);"                                            \
	"WITH RECURSIVE risky(p) AS (" LEARN_RISKY "), found(cls, obj) AS ((" LEARN_SEED           \
	") UNION SELECT e.cls, e.obj "                                                             \
	"FROM found f, LATERAL (" LEARN_EDGES ") e(cls, obj) WHERE e.obj <> 0) "                   \
	"(SELECT 'r', n FROM (" LEARN_NAMES ") s(n) LIMIT %d)" LEARN_ALSO                          \
	"'d', '' WHERE EXISTS (SELECT FROM pg_event_trigger)" LEARN_ALSO                           \
	"'a', '' FROM found JOIN pg_cast c ON cls = 'pg_cast'::regclass "                          \
	"AND c.oid = obj WHERE castsource < 16384 AND casttarget < 16384"

/* Is a backend still there? In front of all else: what it defines before it ends is seen then. One
 * that began later has its number by chance. */
static void learn_ask_for_ghosts(const struct learn *learn, struct buf *sql)
{
	for (size_t i = 0; i < learn->ghost_count; i++) {
		const struct site_ghost *ghost = &learn->ghosts[i];
		buf_addf(sql,
			 "SELECT 'g', pid::text FROM pg_stat_activity WHERE pid = %d AND "
			 "(backend_start < clock_timestamp() - interval '%lld us') IS NOT FALSE;",
			 ghost->pid, (long long)(learn->asked_at - ghost->since));
	}
}

/* What functions did when they were found harmless they may do no more. */
static void learn_take(struct localpool *lp, struct hidden_lore *lore)
{
	struct slice name;
	void *value;
	if (hidden_take(&lp->hidden, lore))
		harmless_forget(&lp->harmless);
	for (size_t at = 0; map_next(&lore->settings, &at, &name, &value);)
		harmless_know_setting(&lp->harmless, name);
}

bool learn_is_due(struct localpool *lp, usec_t now)
{
	struct hidden_lore *lore = site_lore(lp->hidden.site, lp->hidden.version);
	if (lore)
		learn_take(lp, lore);
	hidden_lore_unref(lore);
	return hidden_is_due(&lp->hidden, now);
}

void learn_start(struct server *s, bool at_link, usec_t now)
{
	struct buf sql = { 0 };
	struct learn *learn = mem_zalloc(sizeof(*learn));
	learn->site = registry_hold_site(s->pool->worker->shared->registry, s->pool->hidden.site);
	learn->lore = hidden_lore_new(learn->site);
	learn->at_link = at_link;
	learn->asked_at = now;
	learn->lore->asked = hidden_ask(learn->site);
	learn->ghost_count = site_ghosts(learn->site, learn->ghosts);
	site_ask(learn->site, now);
	s->learn = learn;
	s->holds_client = true;
	buf_add_str(&sql, LEARN_BEFORE);
	learn_ask_for_ghosts(learn, &sql);
	buf_addf(&sql, LEARN_QUESTION, HIDDEN_MAX_NAMES + 1);
	errand_query(s, SERVER_ERRAND_LEARN, buf_slice(&sql), now);
	buf_fini(&sql);
}

/* ---- the answer --------------------------------------------------------------------------- */

/* That one may define something yet. */
static void learn_of_ghost(struct learn *learn, struct slice pid)
{
	char text[16];
	for (size_t i = 0; i < learn->ghost_count; i++) {
		snprintf(text, sizeof(text), "%d", learn->ghosts[i].pid);
		if (!slice_eq_str(pid, text))
			continue;
		learn->lore->heard = HIDDEN_NOT_HEARD;
		learn->ghosts[i].pid = 0;
	}
}

void learn_row(struct server *s, struct slice body)
{
	struct learn *learn = s->learn;
	struct reader r;
	reader_init(&r, body);
	uint16_t columns = reader_u16(&r);
	if (columns == 1) /* of set_config */
		return;
	struct slice kind = reader_value(&r), name = reader_value(&r);
	if (reader_failed(&r) || columns != 2 || kind.len != 1 || !name.ptr)
		learn->is_odd = true;
	else if (kind.ptr[0] == 'n' && paramset_name_is_valid(name))
		hidden_lore_add_setting(learn->lore, name);
	else if (kind.ptr[0] == 'g')
		learn_of_ghost(learn, name);
	else if (kind.ptr[0] == 'r')
		hidden_lore_add(learn->lore, name);
	else if (kind.ptr[0] == 'd')
		learn->lore->minds_ddl = true;
	else if (kind.ptr[0] == 'a')
		learn->lore->is_everywhere = true;
}

static void learn_warn(const struct server *s, struct slice why)
{
	const struct route *route = s->pool->route;
	if (!s->pool->hidden.has_failed)
		LOG_WARNING("pool %s/%s: the server does not say which tables call functions: "
			    "any statement may (%.*s)",
			    route->database, route->user, SLICE_ARGS(why));
	s->pool->hidden.has_failed = true;
}

void learn_failed(struct server *s, struct slice error_body)
{
	learn_warn(s, notice_get(error_body, NOTICE_MESSAGE));
}

static void learn_end(struct server *s)
{
	struct learn *learn = s->learn;
	s->learn = NULL;
	site_answered(learn->site, learn->asked_at);
	registry_release_site(s->pool->worker->shared->registry, learn->site);
	hidden_lore_unref(learn->lore);
	free(learn);
}

/* It is the pool's alone: another user of the site may be told. */
static void learn_nothing(struct localpool *lp, struct hidden_lore *lore, usec_t now)
{
	lore->is_everywhere = true;
	lore->heard = lore->asked;
	lore->learn_at = now + HIDDEN_RETRY_US;
	learn_take(lp, lore);
}

/* For all that lead there. */
static void learn_something(struct localpool *lp, struct learn *learn, usec_t now)
{
	struct hidden_lore *lore = learn->lore;
	bool is_haunted = lore->heard == HIDDEN_NOT_HEARD;
	lp->hidden.has_failed = false;
	if (!is_haunted)
		lore->heard = lore->asked;
	lore->learn_at = is_haunted ? now + HIDDEN_GHOST_US : hidden_next(learn->asked_at, now);
	site_lay(learn->site, learn->ghosts, learn->ghost_count);
	site_publish(learn->site, lore);
	(void)learn_is_due(lp, now);
	LOG_DEBUG("pool %s/%s: %zu names hide code%s", lp->route->database, lp->route->user,
		  map_count(&lore->names), lore->is_everywhere ? ", or all" : "");
}

void learn_done(struct server *s, bool failed, usec_t now)
{
	struct learn *learn = s->learn;
	struct localpool *lp = s->pool;
	bool at_link = learn->at_link;
	if (learn->is_odd)
		learn_warn(s, SLICE("a row of another form"));
	if (!failed && !learn->is_odd)
		learn_something(lp, learn, now);
	else if (learn->site == lp->hidden.site)
		learn_nothing(lp, learn->lore, now);
	learn_end(s);
	if (!s->client)
		return;
	if (at_link)
		server_link_fit(s, now);
	else
		s->holds_client = false;
	conn_again(&s->client->conn); /* with what it has asked meanwhile */
}

void learn_free(struct server *s)
{
	if (s->errand == SERVER_ERRAND_LEARN)
		learn_end(s);
}
