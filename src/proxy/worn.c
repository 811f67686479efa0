/*
 * worn.c - who has no use for a worn server.
 */
#include "proxy/worn.h"

#include <string.h>
#include <strings.h>

#include "proxy/client.h"
#include "proxy/server.h"

/* In whatever case; as a part of another word it does no harm. */
bool worn_is_named(struct slice text)
{
	static const char name[] = "temp_buffers";
	size_t bytes = sizeof(name) - 1, ahead = sizeof("temp") - 1;
	while (text.len >= bytes) {
		const char *at = memchr(text.ptr + ahead, '_', text.len - bytes + 1);
		if (!at)
			return false;
		at -= ahead;
		if (strncasecmp(at, name, bytes) == 0)
			return true;
		text = slice_skip(text, (size_t)(at + 1 - text.ptr));
	}
	return false;
}

bool worn_refuses(const struct server *s, struct slice said)
{
	/* a function that was clean so far may have worn it; a new one that refuses means it, and
	 * of who logs in it is not known whether it asks for anything sensible */
	bool may_be = s->client->state == CLIENT_PROVING ? s->is_worn : s->released_at != 0;
	return may_be && worn_is_named(said);
}
