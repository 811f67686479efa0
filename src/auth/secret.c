/*
 * secret.c - immutable secrets, counted by reference, with room for one verifier each.
 *
 * The verifier is written once, by whichever helper finishes first, and lives as long as the
 * secret; so who holds a reference may read it without a lock.
 */
#include "auth/secret.h"

#include <stdatomic.h>
#include <string.h>

#include "base/vault.h"

struct secret {
	atomic_uint refs;
	enum secret_kind kind;
	struct scram_verifier scram;               /* of a SCRAM secret */
	_Atomic(struct scram_verifier *) computed; /* of a plain one; owned; NULL until needed */
	size_t len;
	char text[]; /* with a zero behind it */
};

#define SECRET_MD5_PREFIX "md5"
#define SECRET_SCRAM_PREFIX SCRAM_MECHANISM "$"

static bool secret_is_md5(struct slice text)
{
	if (text.len != 3 + SECRET_MD5_HEX_BYTES || !slice_starts(text, SECRET_MD5_PREFIX))
		return false;
	for (size_t i = 3; i < text.len; i++)
		if (!memchr("0123456789abcdef", text.ptr[i], 16))
			return false;
	return true;
}

static enum secret_kind secret_kind_of(struct slice text, struct scram_verifier *scram)
{
	if (text.len == 0)
		return SECRET_NONE;
	if (secret_is_md5(text))
		return SECRET_MD5;
	return scram_parse_verifier(text, scram) ? SECRET_SCRAM : SECRET_PLAIN;
}

struct secret *secret_new(struct slice text)
{
	struct secret *s = vault_alloc(sizeof(*s) + text.len + 1);
	atomic_init(&s->refs, 1);
	atomic_init(&s->computed, NULL);
	s->kind = secret_kind_of(text, &s->scram);
	s->len = text.len;
	if (text.len)
		memcpy(s->text, text.ptr, text.len);
	return s;
}

struct secret *secret_ref(struct secret *s)
{
	if (s)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void secret_unref(struct secret *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	vault_free(atomic_load_explicit(&s->computed, memory_order_relaxed));
	vault_free(s);
}

enum secret_kind secret_kind(const struct secret *s)
{
	return s->kind;
}

const char *secret_kind_name(enum secret_kind kind)
{
	static const char *const names[] = {
#define X(id, name) [SECRET_##id] = name,
		SECRET_KINDS(X)
#undef X
	};
	return names[kind];
}

struct slice secret_text(const struct secret *s)
{
	return slice_make(s->text, s->len);
}

struct slice secret_md5_hex(const struct secret *s)
{
	BUG_ON(s->kind != SECRET_MD5);
	return slice_make(s->text + 3, SECRET_MD5_HEX_BYTES);
}

const struct scram_verifier *secret_scram(const struct secret *s)
{
	BUG_ON(s->kind != SECRET_SCRAM);
	return &s->scram;
}

bool secret_is_same(const struct secret *a, const struct secret *b)
{
	return slice_eq(secret_text(a), secret_text(b));
}

bool secret_is_doubtful(const struct secret *s)
{
	struct slice text = secret_text(s);
	if (s->kind != SECRET_PLAIN)
		return false;
	return slice_starts(text, SECRET_SCRAM_PREFIX) ||
	       (slice_starts(text, SECRET_MD5_PREFIX) && text.len == 3 + SECRET_MD5_HEX_BYTES);
}

const struct scram_verifier *secret_verifier(const struct secret *s, struct slice salt)
{
	BUG_ON(s->kind != SECRET_PLAIN);
	const struct scram_verifier *v = atomic_load_explicit(&s->computed, memory_order_acquire);
	if (!v || !slice_eq(slice_make(v->salt, v->salt_bytes), salt))
		return NULL;
	return v;
}

bool secret_make_verifier(struct secret *s, struct slice salt, struct scram_verifier *v)
{
	BUG_ON(s->kind != SECRET_PLAIN);
	if (!scram_make_verifier(secret_text(s), salt, SCRAM_ITERATIONS, v))
		return false;
	if (atomic_load_explicit(&s->computed, memory_order_relaxed))
		return true;

	struct scram_verifier *kept = vault_alloc(sizeof(*kept));
	*kept = *v;
	struct scram_verifier *none = NULL;
	if (!atomic_compare_exchange_strong_explicit(&s->computed, &none, kept,
						     memory_order_release, memory_order_relaxed))
		vault_free(kept);
	return true;
}
