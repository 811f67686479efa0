/*
 * judge.h - passwords and users that somebody else knows: PAM, an LDAP server, the system.
 *
 * A case is what one of them is asked about one login, and what it has said. judge_run asks,
 * and waits for the answer as long as that takes: in a helper thread, and where PAM hangs,
 * longer than the deadline. Nothing is kept of a verdict.
 *
 * A build may lack PAM or LDAP (judge_has); a case for what it lacks is refused.
 *
 * One owner, the login; from judge_run's start to its end the helper's.
 *
 * Thread: judge_run a helper's; all else any.
 */
#ifndef AUTH_JUDGE_H
#define AUTH_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/ldapopts.h"
#include "base/bug.h"
#include "base/slice.h"
#include "base/usec.h"

#define JUDGE_WHY_BYTES 256

/* clang-format off */
#define JUDGE_KINDS(X) \
	X(PAM,  "PAM") \
	X(LDAP, "LDAP") \
	X(PEER, "peer") /* who is behind a Unix socket, by the system's name for it */
/* clang-format on */

enum judge_kind {
#define X(id, name) JUDGE_##id,
	JUDGE_KINDS(X)
#undef X
		JUDGE_KIND_COUNT,
};

struct judge_case {
	enum judge_kind kind;

	/* PAM and LDAP */
	char *user;     /* owned */
	char *password; /* owned, of the vault */
	/* PAM */
	char *service; /* owned: a file of /etc/pam.d */
	char *host;    /* owned: where the client is, "[local]" behind a Unix socket */
	/* LDAP */
	const struct ldapopts *ldap; /* borrowed until judge_fini */
	usec_t deadline;
	/* peer */
	uint32_t uid;

	/* the answer */
	bool is_right;
	char *system_name;         /* owned: of the uid, where it has one (peer) */
	char why[JUDGE_WHY_BYTES]; /* for the log, where it is not right */
};

/* Is it in this build? */
bool judge_has(enum judge_kind kind);
const char *judge_kind_name(enum judge_kind kind);

void judge_run(struct judge_case *c);
void judge_fini(struct judge_case *c); /* wipes and frees; all zeros is fine */

/* For judge_*.c: refuses, and says why; false. */
bool judge_refuse(struct judge_case *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
