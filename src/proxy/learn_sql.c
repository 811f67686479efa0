/*
 * learn_sql.c - the questions of learn.h, in SQL.
 *
 * A row of an answer is (kind, name): 'c' and 'u' how catalogs are (proxy/hidden.h: code, uses),
 * 'e' what sessions of a role, or (no name) of all, begin with: 15 digits that change with it, and
 * the name's bytes as the server has them, two digits each: it may be none in the encoding of the
 * client that is there,
 * 'g' the pid of a ghost (proxy/site.h) that is still there, 'n' a setting that the source of a
 * function names, 'r' a name that hides code, 'f' one that does and has letters beyond ASCII, which
 * the client that is there may have no way to write: all that matters is that there is one, 'd'
 * there are event triggers, 'a' code may run anywhere (a cast between types of PostgreSQL's).
 */
#include "proxy/learn_sql.h"

#include "proxy/hidden.h"

/* How long a small question may wait for a catalog that somebody has locked: its client may have
 * asked for something else meanwhile. */
#define LEARN_LOCK_MS 100

/* No object of a user's is found in place of PostgreSQL's, and no timeout of a client's ends it
 * once this has run. What is asked later is to be seen as it is then. */
#define LEARN_BEFORE                                                                               \
	"SET TRANSACTION ISOLATION LEVEL READ COMMITTED;"                                          \
	"SET LOCAL search_path TO pg_catalog, pg_temp; SET LOCAL statement_timeout TO 0;"          \
	"SET LOCAL lock_timeout TO %d;"                                                            \
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

/* A letter beyond ASCII, in whatever encoding the database has. */
#define LEARN_FOREIGN "$$[^\\x01-\\x7f]$$"

/* The settings first: they are known then whatever becomes of the rest. */
#define LEARN_QUESTION                                                                             \
	"SELECT 'n', n FROM (" LEARN_SETTINGS ") s(n);"                                            \
	"WITH RECURSIVE risky(p) AS (" LEARN_RISKY "), found(cls, obj) AS ((" LEARN_SEED           \
	") UNION SELECT e.cls, e.obj "                                                             \
	"FROM found f, LATERAL (" LEARN_EDGES ") e(cls, obj) WHERE e.obj <> 0) "                   \
	"(SELECT CASE WHEN n ~ " LEARN_FOREIGN " THEN 'f' ELSE 'r' END, "                          \
	"CASE WHEN n ~ " LEARN_FOREIGN " THEN '' ELSE n END "                                      \
	"FROM (" LEARN_NAMES ") s(n) LIMIT %d)" LEARN_ALSO                                         \
	"'d', '' WHERE EXISTS (SELECT FROM pg_event_trigger)" LEARN_ALSO                           \
	"'a', '' FROM found JOIN pg_cast c ON cls = 'pg_cast'::regclass "                          \
	"AND c.oid = obj WHERE castsource < 16384 AND casttarget < 16384"

/* ---- how the catalogs are ----------------------------------------------------------------- */

/* What PostgreSQL counts of a catalog, from when its cumulative statistics are written: up to ten
 * seconds after a transaction that changed it, or when the next one ends. Of new rows the oid tells
 * at once. Neither tells all: a change that both miss is found when the whole is asked for. */
#define LEARN_COUNTED(catalogs, newest)                                                            \
	"concat(sum(pg_stat_get_tuples_inserted(c) + pg_stat_get_tuples_updated(c) + "             \
	"pg_stat_get_tuples_deleted(c)), ' ', greatest(" newest ")) FROM unnest('{" catalogs       \
	"}'::regclass[]) c"

#define LEARN_NEWEST(catalog) "(SELECT max(oid) FROM " catalog ")"

/* Fifteen digits that change with c. md5() is not to be had everywhere: a library in FIPS mode has
 * none, and the whole question would fail. */
#define LEARN_DIGITS                                                                               \
	"lpad(to_hex(hashtext(c)), 8, '0'), right(lpad(to_hex(hashtext('and' || c)), 8, '0'), 7)"

/* ALTER ROLE ... SET and ALTER DATABASE ... SET: r the role, c all that it begins with. */
#define LEARN_SET                                                                                  \
	"SELECT setrole, string_agg(concat(setdatabase, ' ', setconfig), ' ' "                     \
	"ORDER BY setdatabase) FROM pg_db_role_setting WHERE setdatabase = ANY (ARRAY[0, "         \
	"(SELECT oid FROM pg_database WHERE datname = current_database())]::oid[]) "               \
	"GROUP BY setrole"

#define LEARN_DEFAULTS                                                                             \
	"'e', concat(" LEARN_DIGITS ", CASE WHEN r <> 0 THEN encode(decode(replace("               \
	"pg_get_userbyid(r), chr(92), chr(92) || chr(92)), 'escape'), 'hex') END) "                \
	"FROM (" LEARN_SET ") d(r, c)"

/* Those of temporary tables, which some make all the time, are told apart. */
#define LEARN_CATALOGS                                                                             \
	"SELECT 'c', " LEARN_COUNTED("pg_proc,pg_trigger,pg_rewrite,pg_policy,pg_operator,"        \
				     "pg_cast,pg_amproc,pg_amop,pg_opclass,pg_event_trigger,"      \
				     "pg_inherits",                                                \
				     LEARN_NEWEST("pg_trigger") "," LEARN_NEWEST(                  \
					     "pg_rewrite") "," LEARN_NEWEST("pg_policy"))          \
		LEARN_ALSO "'u', " LEARN_COUNTED(                                                  \
			"pg_class,pg_type,pg_attrdef,pg_constraint,pg_index,pg_depend",            \
			LEARN_NEWEST("pg_type") "," LEARN_NEWEST("pg_attrdef") "," LEARN_NEWEST(   \
				"pg_constraint")) LEARN_ALSO LEARN_DEFAULTS

/* ---- the questions ------------------------------------------------------------------------ */

/* Is a backend still there? In front of all else: what it defines before it ends is seen then. One
 * that began later has its number by chance. */
static void learn_sql_ghosts(struct buf *sql, const struct site_ghost *ghosts, size_t count,
			     usec_t asked_at)
{
	for (size_t i = 0; i < count; i++)
		buf_addf(sql,
			 "SELECT 'g', pid::text FROM pg_stat_activity WHERE pid = %d AND "
			 "(backend_start < clock_timestamp() - interval '%lld us') IS NOT FALSE;",
			 ghosts[i].pid, (long long)(asked_at - ghosts[i].since));
}

void learn_sql_whole(struct buf *sql, const struct site_ghost *ghosts, size_t count,
		     usec_t asked_at)
{
	buf_addf(sql, LEARN_BEFORE, 0);
	learn_sql_ghosts(sql, ghosts, count, asked_at);
	buf_add_str(sql, LEARN_CATALOGS ";");
	buf_addf(sql, LEARN_QUESTION, HIDDEN_MAX_NAMES + 1);
}

void learn_sql_catalogs(struct buf *sql)
{
	buf_addf(sql, LEARN_BEFORE, LEARN_LOCK_MS);
	buf_add_str(sql, LEARN_CATALOGS);
}
