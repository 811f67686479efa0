/*
 * ldapopts.c - reads LDAP's options, and ldapurl (RFC 4516) as another way to write them.
 */
#include "auth/ldapopts.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

/* clang-format off */
#define LDAPOPTS_TEXTS(X) \
	X("ldapserver", server) X("ldapprefix", prefix) X("ldapsuffix", suffix) \
	X("ldapbasedn", basedn) X("ldapbinddn", binddn) X("ldapbindpasswd", bindpasswd) \
	X("ldapsearchattribute", searchattribute) X("ldapsearchfilter", searchfilter)
/* clang-format on */

static const char *const ldapopts_names[] = {
#define X(name, field) name,
	LDAPOPTS_TEXTS(X)
#undef X
		"ldapport",
	"ldapscheme",
	"ldaptls",
	"ldapurl",
};

void ldapopts_init(struct ldapopts *o)
{
	*o = (struct ldapopts){ .scope = LDAPOPTS_SUB };
#define X(name, field) o->field = "";
	LDAPOPTS_TEXTS(X)
#undef X
}

bool ldapopts_is_name(struct slice name)
{
	for (size_t i = 0; i < sizeof(ldapopts_names) / sizeof(*ldapopts_names); i++)
		if (slice_eq_str(name, ldapopts_names[i]))
			return true;
	return false;
}

static bool ldapopts_set_port(struct ldapopts *o, struct slice text, struct err *err)
{
	int port = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9' || port > 65535)
			return err_set(err, "\"%.*s\" is not a port", SLICE_ARGS(text));
		port = port * 10 + (text.ptr[i] - '0');
	}
	if (port < 1 || port > 65535)
		return err_set(err, "\"%.*s\" is not a port", SLICE_ARGS(text));
	o->port = port;
	return true;
}

static bool ldapopts_set_scheme(struct ldapopts *o, struct slice text, struct err *err)
{
	o->is_ldaps = slice_eq_str(text, "ldaps");
	return o->is_ldaps || slice_eq_str(text, "ldap") ||
	       err_set(err, "the scheme is ldap or ldaps, not \"%.*s\"", SLICE_ARGS(text));
}

/* ---- ldapurl --------------------------------------------------------------------------------- */

/* What stands before the first of these bytes, off the front; *by is which, or 0. */
static struct slice ldapopts_cut(struct slice *text, const char *bytes, char *by)
{
	size_t n = 0;
	while (n < text->len && !strchr(bytes, text->ptr[n]))
		n++;
	struct slice before = slice_head(*text, n);
	*by = n < text->len ? text->ptr[n] : '\0';
	*text = slice_skip(*text, n < text->len ? n + 1 : n);
	return before;
}

static int ldapopts_hex(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* %XX to bytes; NULL: not such a text. */
static const char *ldapopts_decode(struct slice text, struct confmem *mem)
{
	char *copy = confmem_alloc(mem, text.len + 1), *to = copy;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '%') {
			*to++ = text.ptr[i];
			continue;
		}
		int high = i + 2 < text.len ? ldapopts_hex(text.ptr[i + 1]) : -1;
		int low = i + 2 < text.len ? ldapopts_hex(text.ptr[i + 2]) : -1;
		if (high < 0 || low < 0 || high + low == 0)
			return NULL;
		*to++ = (char)(high * 16 + low);
		i += 2;
	}
	*to = '\0';
	return copy;
}

static bool ldapopts_set_scope(struct ldapopts *o, struct slice text, struct err *err)
{
	if (text.len == 0 || slice_ieq_str(text, "base"))
		o->scope = LDAPOPTS_BASE;
	else if (slice_ieq_str(text, "one"))
		o->scope = LDAPOPTS_ONE;
	else if (slice_ieq_str(text, "sub"))
		o->scope = LDAPOPTS_SUB;
	else
		return err_set(err, "the URL's scope is base, one or sub, not \"%.*s\"",
			       SLICE_ARGS(text));
	return true;
}

/* HOST[:PORT], with [ ] around an IPv6 address. */
static bool ldapopts_set_host(struct ldapopts *o, struct slice host, struct confmem *mem,
			      struct err *err)
{
	char by;
	if (host.len && host.ptr[0] == '[') {
		host = slice_skip(host, 1);
		o->server = confmem_str(mem, ldapopts_cut(&host, "]", &by));
		if (by != ']' || (host.len && host.ptr[0] != ':'))
			return err_set(err, "the URL's [address] is not one");
		host = slice_skip(host, host.len ? 1 : 0);
	} else {
		o->server = ldapopts_decode(ldapopts_cut(&host, ":", &by), mem);
		if (!o->server)
			return err_set(err, "the URL's host is not one");
	}
	return host.len == 0 || ldapopts_set_port(o, host, err);
}

/* ldap[s]://HOST[:PORT]/BASEDN[?[ATTRIBUTE][?[SCOPE][?[FILTER]]]] */
static bool ldapopts_set_url(struct ldapopts *o, struct slice url, struct confmem *mem,
			     struct err *err)
{
	char by;
	struct slice scheme = ldapopts_cut(&url, ":", &by);
	if (!slice_starts(url, "//"))
		return err_set(err, "ldapurl is ldap://HOST/BASEDN?ATTRIBUTE?SCOPE?FILTER");
	url = slice_skip(url, 2);
	if (!ldapopts_set_scheme(o, scheme, err) ||
	    !ldapopts_set_host(o, ldapopts_cut(&url, "/", &by), mem, err))
		return false;
	const char *basedn = ldapopts_decode(ldapopts_cut(&url, "?", &by), mem);
	const char *attribute = ldapopts_decode(ldapopts_cut(&url, "?", &by), mem);
	struct slice scope = ldapopts_cut(&url, "?", &by);
	const char *filter = ldapopts_decode(ldapopts_cut(&url, "?", &by), mem);
	if (!basedn || !attribute || !filter)
		return err_set(err, "ldapurl has a %% that is not followed by two hex digits");
	if (by == '?')
		return err_set(err,
			       "ldapurl has more parts than it may; extensions are not possible");
	if (strchr(attribute, ','))
		return err_set(err, "ldapurl may name one attribute only");
	o->basedn = basedn;
	if (*attribute)
		o->searchattribute = attribute;
	if (*filter)
		o->searchfilter = filter;
	return ldapopts_set_scope(o, scope, err);
}

/* ---- options --------------------------------------------------------------------------------- */

bool ldapopts_set(struct ldapopts *o, struct slice name, struct slice value, struct confmem *mem,
		  struct err *err)
{
#define X(text, field)                                                                             \
	if (slice_eq_str(name, text)) {                                                            \
		o->field = confmem_str(mem, value);                                                \
		return true;                                                                       \
	}
	LDAPOPTS_TEXTS(X)
#undef X
	if (slice_eq_str(name, "ldapport"))
		return ldapopts_set_port(o, value, err);
	if (slice_eq_str(name, "ldapscheme"))
		return ldapopts_set_scheme(o, value, err);
	if (slice_eq_str(name, "ldapurl"))
		return ldapopts_set_url(o, value, mem, err);
	if (!slice_eq_str(name, "ldaptls"))
		return err_set(err, "there is no option \"%.*s\"", SLICE_ARGS(name));
	o->starttls = slice_eq_str(value, "1");
	return o->starttls || slice_eq_str(value, "0") || err_set(err, "ldaptls is 1 or 0");
}

/* A word with quotes anywhere in it, off the front; false: a quote is not closed. */
static bool ldapopts_take_word(struct slice *text, char *word)
{
	bool is_open = false;
	size_t i = 0;
	for (; i < text->len && (is_open || !strchr(" \t\r\n", text->ptr[i])); i++) {
		char c = text->ptr[i];
		if (c != '"')
			*word++ = c;
		else if (is_open && i + 1 < text->len && text->ptr[i + 1] == '"')
			*word++ = text->ptr[i++];
		else
			is_open = !is_open;
	}
	*word = '\0';
	*text = slice_skip(*text, i);
	return !is_open;
}

bool ldapopts_parse(struct ldapopts *o, struct slice text, struct confmem *mem, struct err *err)
{
	for (text = slice_trim(text); text.len; text = slice_trim(text)) {
		char *word = confmem_alloc(mem, text.len + 1);
		if (!ldapopts_take_word(&text, word))
			return err_set(err, "a quote is not closed");
		char *equals = strchr(word, '=');
		if (!equals)
			return err_set(err, "\"%s\" is not NAME=VALUE", word);
		struct slice name = slice_make(word, (size_t)(equals - word));
		if (!ldapopts_set(o, name, slice_of(equals + 1), mem, err))
			return false;
	}
	return true;
}

bool ldapopts_check(const struct ldapopts *o, struct err *err)
{
	bool is_simple = *o->prefix || *o->suffix;
	bool is_search = *o->basedn || *o->binddn || *o->bindpasswd || *o->searchattribute ||
			 *o->searchfilter;
	if (!*o->server)
		return err_set(err, "ldap needs ldapserver");
	if (is_simple && is_search)
		return err_set(err, "ldapprefix and ldapsuffix do not go together with ldapbasedn, "
				    "ldapbinddn, ldapbindpasswd, ldapsearchattribute, "
				    "ldapsearchfilter or a ldapurl that has them");
	if (!is_simple && !*o->basedn)
		return err_set(err, "ldap needs ldapbasedn, or ldapprefix or ldapsuffix");
	if (*o->searchattribute && *o->searchfilter)
		return err_set(err, "ldapsearchattribute and ldapsearchfilter do not go together");
	if (o->is_ldaps && o->starttls)
		return err_set(err, "ldaptls=1 is for the scheme ldap, not ldaps");
	return true;
}
