/*
 * connector_terms.c - see connector_terms.h.
 */
#include "proxy/connector_terms.h"

#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/mem.h"
#include "base/slice.h"

static bool connector_terms_is(const char *value, const char *word)
{
	return value && strcmp(value, word) == 0;
}

static void connector_terms_take(struct connector_terms *t, const char *keyword, const char *value)
{
	if (strcmp(keyword, "channel_binding") == 0) {
		t->binds = !connector_terms_is(value, "disable");
		t->demands_binding = connector_terms_is(value, "require");
	} else if (strcmp(keyword, "sslcertmode") == 0) {
		t->demands_cert = connector_terms_is(value, "require");
	} else if (strcmp(keyword, "sslmode") == 0) {
		t->sslmode = mem_strdup(value);
	} else if (strcmp(keyword, "target_session_attrs") == 0) {
		t->attrs = mem_strdup(value);
	} else if (strcmp(keyword, "require_auth") == 0) {
		t->methods = mem_strdup(value);
	}
}

bool connector_terms_read(struct connector_terms *t, struct pg_conn *pg)
{
	PQconninfoOption *options = PQconninfo(pg);
	if (!options)
		return false;
	for (PQconninfoOption *o = options; o->keyword; o++) {
		if (o->val && strstr(o->keyword, "password"))
			mem_wipe(o->val, strlen(o->val));
		else
			connector_terms_take(t, o->keyword, o->val);
	}
	PQconninfoFree(options);
	return true;
}

void connector_terms_fini(struct connector_terms *t)
{
	free(t->sslmode);
	free(t->attrs);
	free(t->methods);
	*t = (struct connector_terms){ 0 };
}

/* "a,b": these alone; "!a,!b": all but these. libpq has refused lists that are both. */
bool connector_terms_allow(const struct connector_terms *t, enum connector_method method)
{
#define CONNECTOR_METHOD_WORD_(kind, word) word,
	static const char *const words[] = { CONNECTOR_METHODS(CONNECTOR_METHOD_WORD_) };
#undef CONNECTOR_METHOD_WORD_
	if (!t->methods || !*t->methods)
		return true;
	bool negated = false;
	for (const char *at = t->methods; at; at = strchr(at, ',')) {
		at += *at == ',';
		at += strspn(at, " ");
		negated = *at == '!';
		at += negated;
		if (slice_eq_str(slice_make(at, strcspn(at, ", ")), words[method]))
			return !negated;
	}
	return negated;
}

const char *connector_terms_other_sslmode(const struct connector_terms *t, bool had_tls,
					  bool is_unix, const struct connector_fault *fault)
{
	static const char *const hopeless[] = {
		"28P01", /* a wrong password */
		"53300", /* too many connections */
		"57P03", /* starting up, shutting down */
	};
	if (!fault->is_refusal || is_unix)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(hopeless); i++) {
		if (strcmp(fault->sqlstate, hopeless[i]) == 0)
			return NULL;
	}
	if (had_tls && connector_terms_is(t->sslmode, "prefer"))
		return "disable";
	if (!had_tls && connector_terms_is(t->sslmode, "allow"))
		return "require";
	return NULL;
}
