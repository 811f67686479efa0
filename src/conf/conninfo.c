/*
 * conninfo.c - taking connection strings apart.
 */
#include "conf/conninfo.h"

#include <pg_config.h>
#include <string.h>

#include "conf/setting.h"

#define CONNINFO_NEAR 3

/* libpq's keywords, and the version that brought them. Those that pgweir decides itself are
 * not here: replication, gssencmode, fallback_application_name; nor are those of GSSAPI, and
 * services, since a connection is described here and its hosts are gone through by pgweir. */
static const struct {
	const char *name;
	int since;
} conninfo_keywords[] = {
	{ "user", 0 },
	{ "password", 0 },
	{ "passfile", 0 },
	{ "channel_binding", 0 },
	{ "connect_timeout", 0 },
	{ "dbname", 0 },
	{ "host", 0 },
	{ "hostaddr", 0 },
	{ "port", 0 },
	{ "options", 0 },
	{ "keepalives", 0 },
	{ "keepalives_idle", 0 },
	{ "keepalives_interval", 0 },
	{ "keepalives_count", 0 },
	{ "tcp_user_timeout", 0 },
	{ "sslmode", 0 },
	{ "sslcompression", 0 },
	{ "sslcert", 0 },
	{ "sslkey", 0 },
	{ "sslpassword", 0 },
	{ "sslrootcert", 0 },
	{ "sslcrl", 0 },
	{ "sslcrldir", 140000 },
	{ "sslsni", 140000 },
	{ "sslcertmode", 160000 },
	{ "sslnegotiation", 170000 },
	{ "requirepeer", 0 },
	{ "require_auth", 160000 },
	{ "ssl_min_protocol_version", 0 },
	{ "ssl_max_protocol_version", 0 },
	{ "target_session_attrs", 0 },
};

bool conninfo_is_keyword(struct slice key)
{
	for (size_t i = 0; i < COUNT_OF(conninfo_keywords); i++)
		if (slice_eq_str(key, conninfo_keywords[i].name))
			return conninfo_keywords[i].since <= PG_VERSION_NUM;
	return false;
}

const char *conninfo_nearest(struct slice key)
{
	size_t best = CONNINFO_NEAR < key.len / 2 + 1 ? CONNINFO_NEAR : key.len / 2 + 1;
	const char *nearest = NULL;
	for (size_t i = 0; i < COUNT_OF(conninfo_keywords); i++) {
		struct slice name = slice_of(conninfo_keywords[i].name);
		size_t distance = setting_distance(key, name, best);
		if (distance < best && conninfo_is_keyword(name)) {
			best = distance;
			nearest = name.ptr;
		}
	}
	return nearest;
}

static bool conninfo_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t conninfo_blanks(struct slice s)
{
	size_t n = 0;
	while (n < s.len && conninfo_is_blank(s.ptr[n]))
		n++;
	return n;
}

/* A key and the = behind it; moves `s` behind both. */
static bool conninfo_key(struct slice *s, struct confmem *mem, const char **key, struct err *err)
{
	size_t n = 0;
	while (n < s->len && s->ptr[n] != '=' && !conninfo_is_blank(s->ptr[n]))
		n++;
	struct slice name = slice_head(*s, n);
	struct slice rest = slice_skip(*s, n);
	rest = slice_skip(rest, conninfo_blanks(rest));
	if (n == 0)
		return err_set(err, "a = without a name in front of it");
	if (rest.len == 0 || rest.ptr[0] != '=')
		return err_set(err, "a word without an = behind it"); /* maybe of a password */
	rest = slice_skip(rest, 1);
	*key = confmem_str(mem, name);
	*s = slice_skip(rest, conninfo_blanks(rest));
	return true;
}

/* A value, quoted or not; moves `s` behind it. */
static bool conninfo_value(struct slice *s, bool with_backslash, struct confmem *mem,
			   const char **value, struct err *err)
{
	char *to = confmem_alloc(mem, s->len + 1);
	bool is_quoted = s->len > 0 && s->ptr[0] == '\'';
	size_t i = is_quoted;

	*value = to;
	for (; i < s->len; i++) {
		char c = s->ptr[i];
		if (c == '\\' && with_backslash && i + 1 < s->len)
			*to++ = s->ptr[++i];
		else if (is_quoted && c == '\'' && i + 1 < s->len && s->ptr[i + 1] == '\'')
			*to++ = s->ptr[++i];
		else if (is_quoted ? c == '\'' : conninfo_is_blank(c))
			break;
		else
			*to++ = c;
	}
	if (is_quoted && i == s->len)
		return err_set(err, "a quoted value without its closing quote");
	if (is_quoted && ++i < s->len && !conninfo_is_blank(s->ptr[i]))
		return err_set(err, "something right behind a quoted value");
	*s = slice_skip(*s, i);
	return true;
}

bool conninfo_parse(struct slice text, bool with_backslash, struct confmem *mem,
		    struct conf_param **pairs, size_t *count, struct err *err)
{
	*pairs = NULL;
	*count = 0;
	if (slice_starts(text, "postgres://") || slice_starts(text, "postgresql://"))
		return err_set(err, "a URI; it must be KEY=VALUE pairs");
	for (text = slice_trim(text); text.len > 0; text = slice_trim(text)) {
		struct conf_param pair;
		if (!conninfo_key(&text, mem, &pair.key, err) ||
		    !conninfo_value(&text, with_backslash, mem, &pair.value, err))
			return false;
		*pairs = confmem_grow(mem, *pairs, *count, sizeof(pair));
		(*pairs)[(*count)++] = pair;
	}
	return true;
}
