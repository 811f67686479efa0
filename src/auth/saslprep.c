/*
 * saslprep.c - SASLprep by libidn, with PostgreSQL's rule for what cannot be prepared.
 */
#include "config.h"

#include "auth/saslprep.h"

#include <stdlib.h>

#include "base/mem.h"

#ifdef HAVE_LIBIDN
#include <stringprep.h>

static bool saslprep_is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] >= 0x80)
			return false;
	return true;
}

/* NULL: libidn will not have it, or nothing would be left of it. */
static char *saslprep_by_libidn(const char *raw)
{
	char *out = NULL;
	if (stringprep_profile(raw, &out, "SASLprep", STRINGPREP_NO_UNASSIGNED) != STRINGPREP_OK)
		return NULL;
	if (*out == '\0') {
		free(out);
		return NULL;
	}
	return out;
}
#endif

char *saslprep_password(struct slice password)
{
	char *raw = slice_dup(password);
#ifdef HAVE_LIBIDN
	char *prepared = saslprep_is_ascii(password) ? NULL : saslprep_by_libidn(raw);
	if (prepared) {
		mem_wipe(raw, password.len);
		free(raw);
		return prepared;
	}
#endif
	return raw;
}
