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

void connector_terms_read(struct connector_terms *t, struct pg_conn *pg)
{
	PQconninfoOption *options = PQconninfo(pg);
	t->binds = true;
	for (PQconninfoOption *o = options; o && o->keyword; o++) {
		if (strcmp(o->keyword, "channel_binding") == 0) {
			t->binds = !connector_terms_is(o->val, "disable");
			t->demands_binding = connector_terms_is(o->val, "require");
		} else if (strcmp(o->keyword, "sslcertmode") == 0) {
			t->demands_cert = connector_terms_is(o->val, "require");
		} else if (strcmp(o->keyword, "sslmode") == 0) {
			t->sslmode = mem_strdup(o->val);
		} else if (strcmp(o->keyword, "target_session_attrs") == 0) {
			t->attrs = mem_strdup(o->val);
		} else if (strcmp(o->keyword, "require_auth") == 0) {
			t->methods = mem_strdup(o->val);
		}
	}
	PQconninfoFree(options);
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
	bool was_refused = fault->kind == CONNECTOR_FAULT_SERVER && fault->is_quoted &&
			   strcmp(fault->sqlstate, "28000") == 0;
	if (!was_refused || is_unix)
		return NULL;
	if (had_tls && connector_terms_is(t->sslmode, "prefer"))
		return "disable";
	if (!had_tls && connector_terms_is(t->sslmode, "allow"))
		return "require";
	return NULL;
}
