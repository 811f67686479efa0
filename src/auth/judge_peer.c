/*
 * judge_peer.c - a name for a number. The name service may ask far away, and block.
 */
#include "auth/judge_peer.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define JUDGE_PEER_MIN_BYTES 1024
#define JUDGE_PEER_MAX_BYTES ((size_t)1 << 20)

void judge_peer_run(struct judge_case *c)
{
	struct passwd entry, *found = NULL;
	int failed = ERANGE;
	for (size_t n = JUDGE_PEER_MIN_BYTES; failed == ERANGE && n <= JUDGE_PEER_MAX_BYTES;
	     n *= 2) {
		char *room = mem_alloc(n);
		failed = getpwuid_r((uid_t)c->uid, &entry, room, n, &found);
		if (!failed && found)
			c->system_name = mem_strdup(found->pw_name);
		free(room);
	}
	if (failed)
		judge_refuse(c, "the name service failed for uid %u: %s", (unsigned)c->uid,
			     strerror(failed));
	else if (!found)
		judge_refuse(c, "no system user has the uid %u", (unsigned)c->uid);
	else
		c->is_right = true;
}
