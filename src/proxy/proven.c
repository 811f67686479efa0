/*
 * proven.c - sets of parameters by their address: equal ones are one object (proxy/paramset.h).
 */
#include "proxy/proven.h"

#include <string.h>

#include "proxy/paramset.h"

#define PROVEN_MAX 256

void proven_init(struct proven *p, struct paramset *none)
{
	map_init(&p->sets);
	p->none = none;
}

void proven_fini(struct proven *p)
{
	struct slice key;
	void *value;
	for (size_t at = 0; map_next(&p->sets, &at, &key, &value);) {
		struct paramset *wanted;
		memcpy(&wanted, key.ptr, sizeof(wanted));
		paramset_unref(wanted);
		paramset_unref(value);
	}
	map_fini(&p->sets);
}

/* application_name takes any printable text of PostgreSQL's length. */
static bool proven_is_plain_name(const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] > '~')
			return false;
	return len < 64;
}

/* What of it needs proof; a new reference. */
static struct paramset *proven_key(struct paramset *set)
{
	const char *name = paramset_get(set, SLICE("application_name"));
	return name && proven_is_plain_name(name) ? paramset_without(set, SLICE("application_name"))
						  : paramset_ref(set);
}

struct paramset *proven_get(struct proven *p, struct paramset *wanted)
{
	struct paramset *key = proven_key(wanted);
	struct paramset *got = map_get(&p->sets, slice_make(&key, sizeof(key)));
	if (!got && key == p->none)
		got = p->none;
	if (got) {
		got = paramset_ref(got);
		const char *name = paramset_get(wanted, SLICE("application_name"));
		if (key != wanted)
			paramset_replace(&got, paramset_with(got, SLICE("application_name"),
							     slice_of(name)));
	}
	paramset_unref(key);
	return got;
}

void proven_put(struct proven *p, struct paramset *wanted, struct paramset *got)
{
	if (map_count(&p->sets) >= PROVEN_MAX)
		proven_fini(p);

	struct paramset *key = proven_key(wanted);
	struct paramset *value = key == wanted ? paramset_ref(got)
					       : paramset_without(got, SLICE("application_name"));
	struct paramset *old = map_put(&p->sets, slice_make(&key, sizeof(key)), value);
	if (old) { /* its key holds a reference already */
		paramset_unref(old);
		paramset_unref(key);
	}
}
