/*
 * judge_ldap.c - one question to an LDAP server, over a connection of its own.
 *
 *	simple bind        bind as prefix + user + suffix, with the password
 *	search and bind    bind as ldapbinddn, search, bind as what was found, with the password
 *
 * The second asks as often where nobody was found, and binds as an entry that cannot be there: who
 * waits for the answer shall not learn from the time it takes who exists.
 *
 * Every step ends by the deadline of the login. Referrals are not followed: they would take the
 * password to servers that nobody has named.
 */
#include "auth/judge_ldap.h"

#include <string.h>

#include "base/mem.h"
#include "config.h"

/* ---- names as part of other things ------------------------------------------------------ */

static void judge_ldap_hex(struct buf *out, char c)
{
	buf_addf(out, "\\%02x", (unsigned)(unsigned char)c);
}

/* An attribute's value in a DN. */
static void judge_ldap_escape_dn(struct buf *out, struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool is_edge = i == 0 || i == name.len - 1;
		if (strchr(",+\"\\<>;=", c) || (unsigned char)c < ' ' || c == 0x7f ||
		    (c == '#' && i == 0) || (c == ' ' && is_edge))
			judge_ldap_hex(out, c);
		else
			buf_u8(out, (uint8_t)c);
	}
}

bool judge_ldap_dn(const struct ldapopts *o, struct slice user, struct buf *out)
{
	size_t n = strlen(o->prefix);
	buf_add_str(out, o->prefix);
	if (n > 0 && o->prefix[n - 1] == '=') {
		judge_ldap_escape_dn(out, user);
	} else {
		const char *refused = strchr(o->suffix, '@') ? ",+\"\\<>;=/@" : ",+\"\\<>;=/";
		for (size_t i = 0; i < user.len; i++)
			if (strchr(refused, user.ptr[i]) || (unsigned char)user.ptr[i] < ' ')
				return false;
		buf_add_slice(out, user);
	}
	buf_add_str(out, o->suffix);
	return true;
}

static void judge_ldap_escape_filter(struct buf *out, struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (strchr("*()\\", c) || (unsigned char)c < ' ')
			judge_ldap_hex(out, c);
		else
			buf_u8(out, (uint8_t)c);
	}
}

void judge_ldap_filter(const struct ldapopts *o, struct slice user, struct buf *out)
{
	static const char placeholder[] = "$username";
	if (!*o->searchfilter) {
		buf_addf(out, "(%s=", *o->searchattribute ? o->searchattribute : "uid");
		judge_ldap_escape_filter(out, user);
		buf_u8(out, ')');
		return;
	}
	for (const char *at = o->searchfilter; *at;) {
		if (strncmp(at, placeholder, sizeof(placeholder) - 1) == 0) {
			judge_ldap_escape_filter(out, user);
			at += sizeof(placeholder) - 1;
		} else {
			buf_u8(out, (uint8_t)*at++);
		}
	}
}

void judge_ldap_uris(const struct ldapopts *o, struct buf *out)
{
	const char *at = o->server;
	while (*(at += strspn(at, " \t"))) {
		size_t n = strcspn(at, " \t");
		bool is_bare_v6 = memchr(at, ':', n) && *at != '[';
		buf_addf(out, "%s%s://%s%.*s%s", buf_len(out) ? " " : "",
			 o->is_ldaps ? "ldaps" : "ldap", is_bare_v6 ? "[" : "", (int)n, at,
			 is_bare_v6 ? "]" : "");
		if (o->port)
			buf_addf(out, ":%d", o->port);
		at += n;
	}
}

/* ---- the conversation --------------------------------------------------------------------- */

#ifdef HAVE_LDAP

#include <ldap.h>
#include <pthread.h>
#include <sys/time.h>

#include "auth/scram.h"

/* No login waits longer than this, though client_login_timeout be off. */
#define JUDGE_LDAP_MOST_US (60 * USEC_PER_SEC)

struct judge_ldap {
	struct judge_case *c;
	LDAP *ld;
	usec_t deadline;
};

/* The library sets up what all its threads share when it is first called, and looks whether that
 * was done without a lock: helpers must not be the first, two at a time. */
static pthread_once_t judge_ldap_once = PTHREAD_ONCE_INIT;

static void judge_ldap_init(void)
{
	int version;
	ldap_get_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version);
}

static bool judge_ldap_failed(const struct judge_ldap *l, const char *step, int result)
{
	char *said = NULL;
	if (l->ld)
		ldap_get_option(l->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said);
	judge_refuse(l->c, "LDAP (%s): %s%s%.120s", step, ldap_err2string(result),
		     said && *said ? ": " : "", said ? said : "");
	ldap_memfree(said);
	return false;
}

/* What is left of the login's time is what the next step may take. False: nothing is left. */
static bool judge_ldap_set_time(const struct judge_ldap *l, const char *step)
{
	usec_t left = l->deadline - usec_now();
	if (left <= 0)
		return judge_refuse(l->c, "LDAP (%s): no time is left", step);
	struct timeval tv = { .tv_sec = (time_t)(left / USEC_PER_SEC),
			      .tv_usec = (suseconds_t)(left % USEC_PER_SEC) };
	int result = ldap_set_option(l->ld, LDAP_OPT_NETWORK_TIMEOUT, &tv);
	if (result == LDAP_SUCCESS)
		result = ldap_set_option(l->ld, LDAP_OPT_TIMEOUT, &tv);
	return result == LDAP_SUCCESS || judge_ldap_failed(l, step, result);
}

static bool judge_ldap_open(struct judge_ldap *l)
{
	const int version = LDAP_VERSION3;
	struct buf uris = { 0 };
	judge_ldap_uris(l->c->ldap, &uris);
	buf_u8(&uris, '\0');
	int result = ldap_initialize(&l->ld, (const char *)buf_slice(&uris).ptr);
	buf_fini(&uris);
	if (result == LDAP_SUCCESS)
		result = ldap_set_option(l->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	if (result == LDAP_SUCCESS)
		result = ldap_set_option(l->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	if (result != LDAP_SUCCESS)
		return judge_ldap_failed(l, "start", result);
	if (!l->c->ldap->starttls)
		return true;
	if (!judge_ldap_set_time(l, "StartTLS"))
		return false;
	result = ldap_start_tls_s(l->ld, NULL, NULL);
	return result == LDAP_SUCCESS || judge_ldap_failed(l, "StartTLS", result);
}

/* LDAP_SUCCESS, or the reason why not; no time left is LDAP_TIMEOUT. */
static int judge_ldap_bind(const struct judge_ldap *l, const char *dn, const char *password)
{
	if (!judge_ldap_set_time(l, "bind"))
		return LDAP_TIMEOUT;
	struct berval secret = { .bv_len = strlen(password), .bv_val = (char *)password };
	return ldap_sasl_bind_s(l->ld, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
}

/* The user's own password. */
static void judge_ldap_bind_user(const struct judge_ldap *l, const char *dn)
{
	int result = judge_ldap_bind(l, dn, l->c->password);
	l->c->is_right = result == LDAP_SUCCESS;
	if (!l->c->is_right)
		judge_ldap_failed(l, "bind as the user", result);
}

static void judge_ldap_simple(const struct judge_ldap *l)
{
	struct buf dn = { 0 };
	if (!judge_ldap_dn(l->c->ldap, slice_of(l->c->user), &dn)) {
		judge_refuse(l->c, "LDAP: the user's name has letters that cannot be in it");
	} else {
		buf_u8(&dn, '\0');
		judge_ldap_bind_user(l, (const char *)buf_slice(&dn).ptr);
	}
	buf_fini(&dn);
}

/* How many fit (two is "several"); the first one's name, ldap_memfree's. -1: the search failed. */
static int judge_ldap_search(const struct judge_ldap *l, char **dn)
{
	static const int scopes[] = { [LDAPOPTS_BASE] = LDAP_SCOPE_BASE,
				      [LDAPOPTS_ONE] = LDAP_SCOPE_ONELEVEL,
				      [LDAPOPTS_SUB] = LDAP_SCOPE_SUBTREE };
	const struct ldapopts *o = l->c->ldap;
	char no_attrs[] = LDAP_NO_ATTRS, *nothing[] = { no_attrs, NULL };
	struct buf filter = { 0 };
	LDAPMessage *found = NULL;
	int count = -1;

	if (!judge_ldap_set_time(l, "search"))
		return -1;
	judge_ldap_filter(o, slice_of(l->c->user), &filter);
	buf_u8(&filter, '\0');
	int result = ldap_search_ext_s(l->ld, o->basedn, scopes[o->scope],
				       (const char *)buf_slice(&filter).ptr, nothing, 0, NULL, NULL,
				       NULL, 2, &found);
	if (result == LDAP_SUCCESS || result == LDAP_SIZELIMIT_EXCEEDED)
		count = ldap_count_entries(l->ld, found);
	if (count > 0)
		*dn = ldap_get_dn(l->ld, ldap_first_entry(l->ld, found));
	if (count < 0)
		judge_ldap_failed(l, "search", result);
	ldap_msgfree(found);
	buf_fini(&filter);
	return count;
}

/* Binds as an entry that is not there. */
static void judge_ldap_bind_nobody(const struct judge_ldap *l)
{
	char nonce[SCRAM_NONCE_BYTES + 1];
	struct buf dn = { 0 };
	if (scram_make_nonce(nonce)) {
		buf_add_str(&dn, "cn=");
		judge_ldap_escape_dn(&dn, slice_of(nonce));
		buf_addf(&dn, ",%s", l->c->ldap->basedn);
		buf_u8(&dn, '\0');
		int result UNUSED =
			judge_ldap_bind(l, (const char *)buf_slice(&dn).ptr, l->c->password);
	}
	buf_fini(&dn);
}

static void judge_ldap_search_and_bind(const struct judge_ldap *l)
{
	const struct ldapopts *o = l->c->ldap;
	char *dn = NULL;
	int result = judge_ldap_bind(l, o->binddn, o->bindpasswd);
	if (result != LDAP_SUCCESS) {
		judge_ldap_failed(l, "bind as ldapbinddn", result);
		return;
	}
	int count = judge_ldap_search(l, &dn);
	if (count == 1 && dn && *dn) {
		judge_ldap_bind_user(l, dn);
	} else if (count >= 0) {
		judge_ldap_bind_nobody(l);
		judge_refuse(l->c, count == 0 ? "LDAP: no entry is found for the user"
					      : "LDAP: several entries are found for the user");
	}
	ldap_memfree(dn);
}

/* Directories take blanks at a name's ends, and several for one, for none: it is not that name. */
static bool judge_ldap_has_odd_blanks(const char *name)
{
	size_t n = strlen(name);
	return n == 0 || name[0] == ' ' || name[n - 1] == ' ' || strstr(name, "  ");
}

void judge_ldap_run(struct judge_case *c)
{
	struct judge_ldap l = { .c = c };
	l.deadline = usec_min(c->deadline, usec_after(usec_now(), JUDGE_LDAP_MOST_US));
	if (!*c->password) {
		judge_refuse(c, "LDAP: an empty password is not asked about");
		return;
	}
	if (judge_ldap_has_odd_blanks(c->user)) {
		judge_refuse(c, "LDAP: the user's name has blanks that a directory would not see");
		return;
	}
	pthread_once(&judge_ldap_once, judge_ldap_init);
	if (judge_ldap_open(&l)) {
		if (*c->ldap->basedn)
			judge_ldap_search_and_bind(&l);
		else
			judge_ldap_simple(&l);
	}
	if (l.ld)
		ldap_unbind_ext(l.ld, NULL, NULL);
}

#else

void judge_ldap_run(struct judge_case *c)
{
	judge_refuse(c, "this build has no LDAP");
}

#endif
