/*
 * paramset_sql.c - SET, RESET and set_config() from the difference of two sets.
 *
 * Bytes beyond ASCII are written as numbers. In an E'' string such a byte is one of the
 * database's encoding, which is what a start-up packet's value is in; PostgreSQL refuses what is
 * no text there. A value that was reported to a client is in that client's encoding, and the
 * server is asked to convert it.
 */
#include "proxy/paramset_sql.h"

#include <string.h>
#include <strings.h>

#include "proxy/paramset.h"
#include "sql/calls.h"

static void paramset_sql_quote_word(struct buf *sql, struct slice word)
{
	buf_u8(sql, '"');
	for (size_t i = 0; i < word.len; i++) {
		buf_u8(sql, (uint8_t)word.ptr[i]);
		if (word.ptr[i] == '"')
			buf_u8(sql, '"');
	}
	buf_u8(sql, '"');
}

static void paramset_sql_quote_name(struct buf *sql, const char *name)
{
	size_t len = strcspn(name, ".");
	paramset_sql_quote_word(sql, slice_make(name, len));
	if (!name[len])
		return;
	buf_u8(sql, '.');
	paramset_sql_quote_name(sql, name + len + 1);
}

static void paramset_sql_quote(struct buf *sql, const char *value)
{
	buf_add_str(sql, "E'");
	for (; *value; value++) {
		uint8_t byte = (uint8_t)*value;
		if (byte > 127) {
			buf_addf(sql, "\\x%02x", byte);
			continue;
		}
		if (byte == '\'' || byte == '\\')
			buf_u8(sql, byte);
		buf_u8(sql, byte);
	}
	buf_u8(sql, '\'');
}

/* Of the names that PostgreSQL gives its encodings. */
static bool paramset_sql_is_encoding(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789_-");
	return len > 0 && len < 64 && !name[len];
}

static void paramset_sql_value(struct buf *sql, const struct paramset_member *m)
{
	if (!paramset_sql_is_encoding(m->encoding)) {
		paramset_sql_quote(sql, m->value);
		return;
	}
	buf_add_str(sql, "pg_catalog.convert_from(pg_catalog.decode('");
	for (const char *at = m->value; *at; at++)
		buf_addf(sql, "%02x", (uint8_t)*at);
	buf_addf(sql, "', 'hex'), '%s')", m->encoding);
}

/*
 * PostgreSQL takes any byte for application_name and makes ASCII of what is not: '?' of each
 * byte, from version 16 on "\xHH". A literal with such bytes it might refuse, so that it is
 * given what it would have made of them.
 */
static void paramset_sql_application_name(struct buf *sql, const char *value, int server_version)
{
	struct buf made = { 0 };
	for (; *value; value++) {
		if ((uint8_t)*value <= 127)
			buf_u8(&made, (uint8_t)*value);
		else if (server_version < 160000)
			buf_u8(&made, '?');
		else
			buf_addf(&made, "\\x%02x", (uint8_t)*value);
	}
	paramset_sql_quote(sql, buf_len(&made) ? buf_cstr(&made) : "");
	buf_fini(&made);
}

/*
 * SET makes one identifier of a single string for these (GUC_LIST_QUOTE in PostgreSQL's
 * guc_tables.c), while a start-up option and set_config() take the list as it stands.
 */
static bool paramset_sql_is_quoted_list(const char *name)
{
	static const char *const lists[] = { "search_path", "temp_tablespaces",
					     "local_preload_libraries",
					     "session_preload_libraries" };
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		if (strcasecmp(name, lists[i]) == 0)
			return true;
	return false;
}

/* As an expression. */
static void paramset_sql_any_value(struct buf *sql, const struct paramset_member *m,
				   int server_version)
{
	if (!paramset_is_ascii(slice_of(m->value)) && strcasecmp(m->name, "application_name") == 0)
		paramset_sql_application_name(sql, m->value, server_version);
	else
		paramset_sql_value(sql, m);
}

static void paramset_sql_set_config(struct buf *sql, const struct paramset_member *m, bool local,
				    int server_version)
{
	buf_add_str(sql, "SELECT pg_catalog.set_config(");
	paramset_sql_quote(sql, m->name);
	buf_add_str(sql, ", ");
	paramset_sql_any_value(sql, m, server_version);
	buf_add_str(sql, local ? ", true)" : ", false)");
}

static void paramset_sql_set_name(struct buf *sql, const struct paramset_member *m, bool local)
{
	buf_add_str(sql, local ? "SET LOCAL " : "SET ");
	paramset_sql_quote_name(sql, m->name);
	buf_add_str(sql, " TO ");
}

static void paramset_sql_set(struct buf *sql, const struct paramset_member *m, bool local,
			     int server_version)
{
	if (paramset_sql_is_encoding(m->encoding) || paramset_sql_is_quoted_list(m->name)) {
		paramset_sql_set_config(sql, m, local, server_version);
	} else {
		paramset_sql_set_name(sql, m, local);
		paramset_sql_any_value(sql, m, server_version);
	}
	buf_u8(sql, ';');
}

/*
 * An extension's own name that is empty. Where nobody has loaded the extension it is a name like
 * any other, and empty once it was set or reset; where it is known that may be no value, so that it
 * is given its default.
 */
static void paramset_sql_empty(struct buf *sql, const char *name)
{
	buf_add_str(sql, "RESET ");
	paramset_sql_quote_name(sql, name);
	buf_add_str(sql, ";SELECT pg_catalog.set_config(n, '', false) FROM (VALUES (");
	paramset_sql_quote(sql, name);
	buf_add_str(sql, ")) c(n) WHERE pg_catalog.current_setting(n, true) "
			 "OPERATOR(pg_catalog.<>) '' AND pg_catalog.lower(n) "
			 "OPERATOR(pg_catalog.<>) ALL (SELECT pg_catalog.lower(name) FROM "
			 "pg_catalog.pg_settings WHERE vartype OPERATOR(pg_catalog.<>) 'string');");
}

static bool paramset_sql_is_role(const char *name)
{
	return strcasecmp(name, "role") == 0;
}

/* Does something differ that a role of the session's may not be allowed to set? */
static bool paramset_sql_needs_rights(const struct paramset *have, const struct paramset *want)
{
	struct paramset_difference d = { 0 };
	while (paramset_next_difference(have, want, &d)) {
		const char *name = d.wanted ? d.wanted->name : d.had->name;
		if (!paramset_sql_is_role(name) && !strchr(name, '.'))
			return true;
	}
	return false;
}

/* The role is put aside before all else, and comes last. */
enum paramset_sql_round {
	PARAMSET_SQL_ENCODING,
	PARAMSET_SQL_RESETS, /* what goes back to how it was at the login */
	PARAMSET_SQL_SETS,
	PARAMSET_SQL_ROLE,
	PARAMSET_SQL_ROUNDS
};

static enum paramset_sql_round paramset_sql_round_of(const char *name, bool is_wanted)
{
	if (strcasecmp(name, "client_encoding") == 0)
		return PARAMSET_SQL_ENCODING;
	if (paramset_sql_is_role(name))
		return PARAMSET_SQL_ROLE;
	return is_wanted ? PARAMSET_SQL_SETS : PARAMSET_SQL_RESETS;
}

static void paramset_sql_change_one(const struct paramset_difference *d, int server_version,
				    struct buf *sql)
{
	if (!d->wanted) {
		buf_add_str(sql, "RESET ");
		paramset_sql_quote_name(sql, d->had->name);
		buf_u8(sql, ';');
	} else if (!*d->wanted->value && strchr(d->wanted->name, '.')) {
		paramset_sql_empty(sql, d->wanted->name);
	} else {
		paramset_sql_set(sql, d->wanted, false, server_version);
	}
}

void paramset_sql_change(const struct paramset *have, const struct paramset *want,
			 int server_version, struct buf *sql)
{
	if (have == want)
		return;
	const char *had = paramset_get(have, SLICE("role"));
	const char *wanted = paramset_get(want, SLICE("role"));
	bool is_aside = had && paramset_sql_needs_rights(have, want);
	if (is_aside)
		buf_add_str(sql, "SET ROLE NONE;");
	for (int round = 0; round < PARAMSET_SQL_ROUNDS; round++) {
		struct paramset_difference d = { 0 };
		while (paramset_next_difference(have, want, &d)) {
			const char *name = d.wanted ? d.wanted->name : d.had->name;
			if (paramset_sql_round_of(name, d.wanted != NULL) ==
			    (enum paramset_sql_round)round)
				paramset_sql_change_one(&d, server_version, sql);
		}
	}
	if (is_aside && wanted && strcmp(had, wanted) == 0) {
		buf_add_str(sql, "SET ROLE ");
		paramset_sql_quote(sql, wanted);
		buf_u8(sql, ';');
	}
}

/* One that pg_settings does not list: set where it is as if nobody had. */
static void paramset_sql_unlisted(struct buf *sql, const struct paramset_member *m, bool local,
				  const char *nothing)
{
	paramset_sql_set_config(sql, m, local, 0);
	buf_add_str(sql, " WHERE coalesce(pg_catalog.current_setting(");
	paramset_sql_quote(sql, m->name);
	buf_addf(sql, ", true), '') OPERATOR(pg_catalog.=) '%s';", nothing);
}

/* Those that are listed are a table of (name, value); the others a SELECT each. */
void paramset_sql_restore(const struct paramset *set, bool local, bool own_too, bool role_too,
			  int server_version, struct buf *sql)
{
	struct buf listed = { 0 };
	for (size_t i = 0; i < paramset_count(set); i++) {
		const struct paramset_member *m = paramset_member(set, i);
		bool is_own = strchr(m->name, '.');
		bool is_role = strcasecmp(m->name, "role") == 0;
		if (is_own || is_role) {
			if (is_own ? own_too : role_too)
				paramset_sql_unlisted(sql, m, local, is_role ? "none" : "");
			continue;
		}
		buf_add_str(&listed,
			    buf_len(&listed) ? ",(pg_catalog.lower(" : "(pg_catalog.lower(");
		paramset_sql_quote(&listed, m->name);
		buf_add_str(&listed, "), ");
		paramset_sql_any_value(&listed, m, server_version);
		buf_u8(&listed, ')');
	}
	if (buf_len(&listed))
		buf_addf(sql,
			 "SELECT pg_catalog.set_config(n, v, %s) FROM (VALUES %s) c(n, v) WHERE n "
			 "OPERATOR(pg_catalog.=) ANY (SELECT pg_catalog.lower(name) FROM "
			 "pg_catalog.pg_settings WHERE source OPERATOR(pg_catalog.<>) 'session');",
			 local ? "true" : "false", buf_cstr(&listed));
	buf_fini(&listed);
}

/* The next name of a list: taken off, without its quotes, in small letters where it has none. */
static void paramset_sql_next_name(const char **list, struct buf *name)
{
	const char *at = *list + strspn(*list, " \t\n\r\f");
	bool is_quoted = *at == '"';
	buf_clear(name);
	for (at += is_quoted; *at && (is_quoted || !strchr(", \t\n\r\f", *at)); at++) {
		if (is_quoted && *at == '"' && *++at != '"')
			break;
		bool is_capital = !is_quoted && *at >= 'A' && *at <= 'Z';
		buf_u8(name, (uint8_t)(is_capital ? *at | 0x20 : *at));
	}
	at += strcspn(at, ",");
	*list = at + (*at == ',');
}

static void paramset_sql_add_name(struct buf *spelt, const char *name)
{
	if (calls_needs_quotes(slice_of(name)))
		paramset_sql_quote_word(spelt, slice_of(name));
	else
		buf_add_str(spelt, name);
}

/* The values of the SET that gives the same list, and how that spells it. */
static void paramset_sql_names(const char *list, struct buf *values, struct buf *spelt)
{
	struct buf name = { 0 };
	do {
		paramset_sql_next_name(&list, &name);
		if (buf_len(values)) {
			buf_add_str(values, ", ");
			buf_add_str(spelt, ", ");
		}
		paramset_sql_quote(values, buf_cstr(&name));
		paramset_sql_add_name(spelt, buf_cstr(&name));
	} while (*list);
	buf_fini(&name);
}

/* False: that is another spelling of it. */
static bool paramset_sql_set_list(struct buf *sql, const struct paramset_member *m, bool local)
{
	struct buf values = { 0 }, spelt = { 0 };
	paramset_sql_names(m->value, &values, &spelt);
	paramset_sql_set_name(sql, m, local);
	buf_add_slice(sql, buf_slice(&values));
	buf_u8(sql, ';');
	bool is_same = slice_eq_str(buf_slice(&spelt), m->value);
	buf_fini(&values);
	buf_fini(&spelt);
	return is_same;
}

uint64_t paramset_sql_reset(const struct paramset *set, uint64_t session, uint64_t local,
			    int server_version, struct buf *sql)
{
	uint64_t respelt = 0;
	for (unsigned i = 0; i < 64 && (session | local) >> i; i++) {
		uint64_t bit = UINT64_C(1) << i;
		const struct paramset_member *m = paramset_member(set, i);
		if (!((session | local) & bit))
			continue;
		if (!paramset_sql_is_quoted_list(m->name))
			paramset_sql_set(sql, m, local & bit, server_version);
		else if (!paramset_sql_set_list(sql, m, local & bit))
			respelt |= bit;
	}
	return respelt;
}

void paramset_sql_respell(const struct paramset *set, uint64_t session, uint64_t local,
			  struct buf *sql)
{
	for (unsigned i = 0; i < 64 && (session | local) >> i; i++) {
		uint64_t bit = UINT64_C(1) << i;
		const struct paramset_member *m = paramset_member(set, i);
		if (!((session | local) & bit))
			continue;
		struct buf values = { 0 }, spelt = { 0 };
		paramset_sql_names(m->value, &values, &spelt);
		paramset_sql_set_config(sql, m, local & bit, 0);
		buf_add_str(sql, " WHERE pg_catalog.current_setting(");
		paramset_sql_quote(sql, m->name);
		buf_add_str(sql, ") OPERATOR(pg_catalog.=) ");
		paramset_sql_quote(sql, buf_cstr(&spelt));
		buf_u8(sql, ';');
		buf_fini(&values);
		buf_fini(&spelt);
	}
}

void paramset_sql_unset(const struct paramset *set, uint64_t members, struct buf *sql)
{
	for (unsigned i = 0; i < 64 && members >> i; i++) {
		if (!(members >> i & 1))
			continue;
		paramset_sql_set_name(sql, paramset_member(set, i), true);
		buf_add_str(sql, "DEFAULT;");
	}
}

static bool paramset_sql_is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

void paramset_sql_mean(struct slice have, struct slice want, struct buf *sql)
{
	const char *name;
	for (size_t i = 0; (name = paramset_meaning_name(i)); i++) {
		const char *had = paramset_meaning_get(have, name);
		const char *wanted = paramset_meaning_get(want, name);
		if (paramset_sql_is_same(had, wanted) || strcmp(name, "search_path") == 0)
			continue;
		buf_add_str(sql, buf_len(sql) ? ", " : "SELECT ");
		buf_addf(sql, "pg_catalog.set_config('%s', ", name);
		if (wanted)
			paramset_sql_quote(sql, wanted);
		else
			buf_addf(sql,
				 "(SELECT reset_val FROM pg_catalog.pg_settings WHERE name "
				 "OPERATOR(pg_catalog.=) '%s')",
				 name);
		buf_add_str(sql, ", true)");
	}
}
