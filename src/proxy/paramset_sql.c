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

static void paramset_sql_quote_name(struct buf *sql, const char *name)
{
	buf_u8(sql, '"');
	for (; *name; name++) {
		if (*name == '.')
			buf_add_str(sql, "\".\"");
		else
			buf_u8(sql, (uint8_t)*name);
		if (*name == '"')
			buf_u8(sql, '"');
	}
	buf_u8(sql, '"');
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
static void paramset_sql_application_name(struct buf *sql, const char *value)
{
	buf_add_str(sql, "CASE WHEN pg_catalog.current_setting('server_version_num')"
			 "::pg_catalog.int4 OPERATOR(pg_catalog.<) 160000 THEN E'");
	for (int escaped = 0; escaped < 2; escaped++) {
		for (const char *at = value; *at; at++) {
			if ((uint8_t)*at <= 127) {
				if (*at == '\'' || *at == '\\')
					buf_u8(sql, (uint8_t)*at);
				buf_u8(sql, (uint8_t)*at);
			} else if (escaped) {
				buf_addf(sql, "\\\\x%02x", (uint8_t)*at);
			} else {
				buf_u8(sql, '?');
			}
		}
		buf_add_str(sql, escaped ? "' END" : "' ELSE E'");
	}
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

static bool paramset_sql_is_odd_application_name(const struct paramset_member *m)
{
	return !paramset_is_ascii(slice_of(m->value)) &&
	       strcasecmp(m->name, "application_name") == 0;
}

/* SET may say it, but for lists. */
static bool paramset_sql_is_plain(const struct paramset_member *m)
{
	return !paramset_sql_is_odd_application_name(m) && !paramset_sql_is_encoding(m->encoding);
}

/* As an expression. */
static void paramset_sql_any_value(struct buf *sql, const struct paramset_member *m)
{
	if (paramset_sql_is_odd_application_name(m))
		paramset_sql_application_name(sql, m->value);
	else
		paramset_sql_value(sql, m);
}

static void paramset_sql_set_config(struct buf *sql, const struct paramset_member *m, bool local)
{
	buf_add_str(sql, "SELECT pg_catalog.set_config(");
	paramset_sql_quote(sql, m->name);
	buf_add_str(sql, ", ");
	paramset_sql_any_value(sql, m);
	buf_add_str(sql, local ? ", true);" : ", false);");
}

static void paramset_sql_set_name(struct buf *sql, const struct paramset_member *m, bool local)
{
	buf_add_str(sql, local ? "SET LOCAL " : "SET ");
	paramset_sql_quote_name(sql, m->name);
	buf_add_str(sql, " TO ");
}

static void paramset_sql_set(struct buf *sql, const struct paramset_member *m)
{
	if (!paramset_sql_is_plain(m) || paramset_sql_is_quoted_list(m->name)) {
		paramset_sql_set_config(sql, m, false);
		return;
	}
	paramset_sql_set_name(sql, m, false);
	paramset_sql_quote(sql, m->value);
	buf_u8(sql, ';');
}

void paramset_sql_change(const struct paramset *have, const struct paramset *want, struct buf *sql)
{
	if (have == want)
		return;
	/* the encoding; what goes back to how it was at the login; the rest */
	for (int round = 0; round < 3; round++) {
		struct paramset_difference d = { 0 };
		while (paramset_next_difference(have, want, &d)) {
			const char *name = d.wanted ? d.wanted->name : d.had->name;
			bool is_encoding = strcasecmp(name, "client_encoding") == 0;
			if (is_encoding ? round != 0 : round != (d.wanted ? 2 : 1))
				continue;
			if (d.wanted) {
				paramset_sql_set(sql, d.wanted);
				continue;
			}
			buf_add_str(sql, "RESET ");
			paramset_sql_quote_name(sql, name);
			buf_u8(sql, ';');
		}
	}
}

/* One that pg_settings does not list: set where it is as if nobody had. */
static void paramset_sql_unlisted(struct buf *sql, const struct paramset_member *m,
				  const char *is_local, const char *nothing)
{
	buf_add_str(sql, "SELECT pg_catalog.set_config(");
	paramset_sql_quote(sql, m->name);
	buf_add_str(sql, ", ");
	paramset_sql_any_value(sql, m);
	buf_addf(sql, ", %s) WHERE coalesce(pg_catalog.current_setting(", is_local);
	paramset_sql_quote(sql, m->name);
	buf_addf(sql, ", true), '') OPERATOR(pg_catalog.=) '%s';", nothing);
}

/* Those that are listed are a table of (name, value); the others a SELECT each. */
void paramset_sql_restore(const struct paramset *set, bool local, bool own_too, bool role_too,
			  struct buf *sql)
{
	struct buf listed = { 0 };
	const char *is_local = local ? "true" : "false";
	for (size_t i = 0; i < paramset_count(set); i++) {
		const struct paramset_member *m = paramset_member(set, i);
		bool is_own = strchr(m->name, '.');
		bool is_role = strcasecmp(m->name, "role") == 0;
		if (is_own || is_role) {
			if (is_own ? own_too : role_too)
				paramset_sql_unlisted(sql, m, is_local, is_role ? "none" : "");
			continue;
		}
		buf_add_str(&listed,
			    buf_len(&listed) ? ",(pg_catalog.lower(" : "(pg_catalog.lower(");
		paramset_sql_quote(&listed, m->name);
		buf_add_str(&listed, "), ");
		paramset_sql_any_value(&listed, m);
		buf_u8(&listed, ')');
	}
	if (buf_len(&listed))
		buf_addf(sql,
			 "SELECT pg_catalog.set_config(n, v, %s) FROM (VALUES %s) c(n, v) WHERE n "
			 "OPERATOR(pg_catalog.=) ANY (SELECT pg_catalog.lower(name) FROM "
			 "pg_catalog.pg_settings WHERE source OPERATOR(pg_catalog.<>) 'session');",
			 is_local, buf_cstr(&listed));
	buf_fini(&listed);
}

/* The next name of a list that is written as SET writes it: taken off, and without its quotes. */
static bool paramset_sql_next_name(const char **list, struct buf *name)
{
	const char *at = *list;
	bool is_quoted = *at == '"';
	buf_clear(name);
	for (at += is_quoted; *at && (is_quoted || (*at != ',' && *at != ' ')); at++) {
		if (is_quoted && *at == '"' && *++at != '"')
			break;
		buf_u8(name, (uint8_t)*at);
	}
	bool is_as_set = is_quoted == calls_needs_quotes(buf_slice(name));
	bool is_last = !*at;
	if (!is_last && (at[0] != ',' || at[1] != ' ' || !at[2]))
		return false;
	*list = is_last ? at : at + 2;
	return is_as_set;
}

/* The values of a SET that gives this very list; false: there is none. */
static bool paramset_sql_names(struct buf *sql, const char *list)
{
	struct buf name = { 0 };
	bool is_as_set = *list;
	for (bool is_first = true; is_as_set && *list; is_first = false) {
		is_as_set = paramset_sql_next_name(&list, &name);
		if (!is_first)
			buf_add_str(sql, ", ");
		paramset_sql_quote(sql, buf_cstr(&name));
	}
	buf_fini(&name);
	return is_as_set;
}

static bool paramset_sql_set_again(struct buf *sql, const struct paramset_member *m, bool local)
{
	if (!paramset_sql_is_plain(m))
		return false;
	paramset_sql_set_name(sql, m, local);
	if (!paramset_sql_is_quoted_list(m->name))
		paramset_sql_quote(sql, m->value);
	else if (!paramset_sql_names(sql, m->value))
		return false;
	buf_u8(sql, ';');
	return true;
}

uint64_t paramset_sql_reset(const struct paramset *set, uint64_t session, uint64_t local,
			    struct buf *sql)
{
	uint64_t left = 0;
	for (unsigned i = 0; i < 64 && (session | local) >> i; i++) {
		uint64_t bit = UINT64_C(1) << i;
		size_t before = buf_len(sql);
		if (!((session | local) & bit) ||
		    paramset_sql_set_again(sql, paramset_member(set, i), local & bit))
			continue;
		buf_truncate(sql, before);
		left |= bit;
	}
	return left;
}

void paramset_sql_select(const struct paramset *set, uint64_t session, uint64_t local,
			 struct buf *sql)
{
	for (unsigned i = 0; i < 64 && (session | local) >> i; i++) {
		uint64_t bit = UINT64_C(1) << i;
		if ((session | local) & bit)
			paramset_sql_set_config(sql, paramset_member(set, i), local & bit);
	}
}
