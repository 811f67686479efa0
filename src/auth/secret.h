/*
 * secret.h - what is known of a user's password: the text itself, or what was made of it.
 *
 * Immutable once made, and counted by reference; wiped when the last reference goes. The
 * one thing that is added later is the SCRAM verifier of a plain password, which is
 * computed at the first login that needs it, in a helper thread, and kept.
 *
 * Thread: any.
 */
#ifndef AUTH_SECRET_H
#define AUTH_SECRET_H

#include "auth/scram.h"
#include "base/bug.h"
#include "base/slice.h"

#define SECRET_MD5_HEX_BYTES 32

/* clang-format off */
#define SECRET_KINDS(X) \
	X(NONE,  "none")  /* the empty text: no password opens it */ \
	X(PLAIN, "plain") \
	X(MD5,   "md5") \
	X(SCRAM, "scram-sha-256")
/* clang-format on */

enum secret_kind {
#define X(id, name) SECRET_##id,
	SECRET_KINDS(X)
#undef X
};

struct secret;

/* As a userlist or pg_authid has it: "", "md5" + 32 hex digits, "SCRAM-SHA-256$...", or plain. */
struct secret *secret_new(struct slice text) MUST_CHECK;
struct secret *secret_ref(struct secret *s); /* NULL stays NULL */
void secret_unref(struct secret *s);

enum secret_kind secret_kind(const struct secret *s);
const char *secret_kind_name(enum secret_kind kind);
struct slice secret_text(const struct secret *s);    /* as it was given, and a zero behind it; the
							password of a plain one */
struct slice secret_md5_hex(const struct secret *s); /* of an md5 secret only */
const struct scram_verifier *secret_scram(const struct secret *s);   /* of a SCRAM secret only */
bool secret_is_same(const struct secret *a, const struct secret *b); /* the same text */

/*
 * Whether the text, though taken as a plain password, begins like an md5 or SCRAM secret:
 * most likely a mistake that is worth a warning.
 */
bool secret_is_doubtful(const struct secret *s);

/* The verifier that was kept for this salt, or NULL. Never waits. Only of plain ones. */
const struct scram_verifier *secret_verifier(const struct secret *s, struct slice salt);

/*
 * Computes the verifier of a plain password for this salt into *v and keeps it where none
 * is kept yet. Milliseconds: helper threads. False only when OpenSSL fails.
 */
bool secret_make_verifier(struct secret *s, struct slice salt, struct scram_verifier *v) MUST_CHECK;

#endif
