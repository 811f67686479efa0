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

static void paramset_sql_set_config(struct buf *sql, const struct paramset_member *m,
				    int server_version)
{
	buf_add_str(sql, "SELECT pg_catalog.set_config(");
	paramset_sql_quote(sql, m->name);
	buf_add_str(sql, ", ");
	paramset_sql_any_value(sql, m, server_version);
	buf_add_str(sql, ", false)");
}

static void paramset_sql_set_name(struct buf *sql, const struct paramset_member *m, bool local)
{
	buf_add_str(sql, local ? "SET LOCAL " : "SET ");
	paramset_sql_quote_name(sql, m->name);
	buf_add_str(sql, " TO ");
}

static void paramset_sql_set(struct buf *sql, const struct paramset_member *m, int server_version)
{
	if (paramset_sql_is_encoding(m->encoding) || paramset_sql_is_quoted_list(m->name)) {
		paramset_sql_set_config(sql, m, server_version);
	} else {
		paramset_sql_set_name(sql, m, false);
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
		paramset_sql_set(sql, d->wanted, server_version);
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

static void paramset_sql_list(struct buf *sql, const char *list)
{
	struct buf name = { 0 };
	const char *between = "";
	do {
		paramset_sql_next_name(&list, &name);
		buf_add_str(sql, between);
		paramset_sql_quote(sql, buf_cstr(&name));
		between = ", ";
	} while (*list);
	buf_fini(&name);
}

void paramset_sql_again(const struct paramset_member *member, bool local, int server_version,
			struct buf *sql)
{
	paramset_sql_set_name(sql, member, local);
	if (paramset_sql_is_quoted_list(member->name))
		paramset_sql_list(sql, member->value);
	else
		paramset_sql_any_value(sql, member, server_version);
}

bool paramset_sql_is_again(const struct paramset_member *member, const char *value)
{
	struct buf a = { 0 }, b = { 0 };
	if (!paramset_sql_is_quoted_list(member->name))
		return false;
	paramset_sql_list(&a, member->value);
	paramset_sql_list(&b, value);
	bool is_again = slice_eq(buf_slice(&a), buf_slice(&b));
	buf_fini(&a);
	buf_fini(&b);
	return is_again;
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
