/*
 * scram_client.c - the client's side of SCRAM-SHA-256, against a server that is not trusted.
 *
 *	MECHANISMS -> CHALLENGE -> SIGNATURE -> VERIFIED -> DONE
 *
 * Each state is named for what has to come next: the server's list of mechanisms, its
 * challenge, its signature, its AuthenticationOk. Anything else ends in FAILED.
 */
#include "auth/scram_client.h"

#include <openssl/crypto.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/base64.h"
#include "base/mem.h"
#include "wire/build.h"
#include "wire/reader.h"

#define SCRAM_CLIENT_REASON_BYTES 200
#define SCRAM_CLIENT_MAX_BYTES (4 * SCRAM_MAX_MESSAGE_BYTES)
#define SCRAM_CLIENT_PEER_TEXT_BYTES 60 /* of the server's own words in a reason */

/* clang-format off */
#define TO(s) (1u << SCRAM_CLIENT_STATE_##s)
#define SCRAM_CLIENT_STATES(X) \
	/*state       may become                  on which code of an 'R' */ \
	X(MECHANISMS, TO(CHALLENGE) | TO(FAILED), 10) \
	X(CHALLENGE,  TO(SIGNATURE) | TO(FAILED), 11) \
	X(SIGNATURE,  TO(VERIFIED) | TO(FAILED),  12) \
	X(VERIFIED,   TO(DONE) | TO(FAILED),      0) \
	X(DONE,       TO(FAILED),                 UINT32_MAX) \
	X(FAILED,     TO(FAILED),                 UINT32_MAX)
/* clang-format on */

enum scram_client_state {
#define X(id, edges, code) SCRAM_CLIENT_STATE_##id,
	SCRAM_CLIENT_STATES(X)
#undef X
};

struct scram_client {
	enum scram_client_state state;
	char *password; /* owned; NULL: the keys are known from the start */
	struct scram_keys keys;
	char nonce[SCRAM_NONCE_BYTES + 1]; /* ours; the server's follows it in its own */
	size_t binding_bytes;              /* 0: nothing binds the channel */
	uint8_t binding[SCRAM_MAX_BINDING_BYTES];
	bool demands_binding;
	const char *gs2; /* the header that says whether it is bound; a constant */
	struct buf auth_message;
	char reason[SCRAM_CLIENT_REASON_BYTES];
};

/* ---- beginning and end ----------------------------------------------------------- */

/* The only writer of c->state. */
static void scram_client_enter(struct scram_client *c, enum scram_client_state to)
{
	static const unsigned edges[] = {
#define X(id, edges_, code) [SCRAM_CLIENT_STATE_##id] = (edges_),
		SCRAM_CLIENT_STATES(X)
#undef X
	};
	BUG_ON(!(edges[c->state] & 1u << to));
	c->state = to;
}

PRINTF_LIKE(2, 3)
static enum scram_client_status scram_client_fail(struct scram_client *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(c->reason, sizeof(c->reason), fmt, ap);
	va_end(ap);
	scram_client_enter(c, SCRAM_CLIENT_STATE_FAILED);
	return SCRAM_CLIENT_FAILED;
}

static struct scram_client *scram_client_new(const char *nonce)
{
	struct scram_client *c = mem_zalloc(sizeof(*c));
	buf_init(&c->auth_message, SCRAM_CLIENT_MAX_BYTES);
	c->state = SCRAM_CLIENT_STATE_MECHANISMS;
	if (nonce) {
		BUG_ON(strlen(nonce) > SCRAM_NONCE_BYTES);
		strcpy(c->nonce, nonce);
	} else if (!scram_make_nonce(c->nonce)) {
		c->nonce[0] = '\0'; /* found out at the first step */
	}
	return c;
}

struct scram_client *scram_client_new_keys(const struct scram_keys *keys, const char *nonce)
{
	struct scram_client *c = scram_client_new(nonce);
	memcpy(c->keys.client_key, keys->client_key, SCRAM_KEY_BYTES);
	memcpy(c->keys.server_key, keys->server_key, SCRAM_KEY_BYTES);
	if (!scram_hash(c->keys.client_key, c->keys.stored_key))
		c->nonce[0] = '\0';
	return c;
}

struct scram_client *scram_client_new_password(struct slice password, const char *nonce)
{
	struct scram_client *c = scram_client_new(nonce);
	c->password = slice_dup(password);
	return c;
}

void scram_client_bind(struct scram_client *c, struct slice binding, bool demanded)
{
	BUG_ON(binding.len > sizeof(c->binding) || c->state != SCRAM_CLIENT_STATE_MECHANISMS);
	if (binding.len)
		memcpy(c->binding, binding.ptr, binding.len);
	c->binding_bytes = binding.len;
	c->demands_binding = demanded;
}

void scram_client_free(struct scram_client *c)
{
	if (!c)
		return;
	if (c->password) {
		mem_wipe(c->password, strlen(c->password));
		free(c->password);
	}
	buf_fini(&c->auth_message);
	mem_wipe(c, sizeof(*c));
	free(c);
}

const char *scram_client_reason(const struct scram_client *c)
{
	return c->reason;
}

/* ---- the messages ------------------------------------------------------------------ */

/* Which of the two the server offers; false: the list is malformed. */
static bool scram_client_read_mechanisms(struct slice list, bool *plain, bool *plus)
{
	struct reader r;
	reader_init(&r, list);
	*plain = *plus = false;
	for (;;) {
		struct slice name = reader_cstr(&r);
		if (reader_failed(&r) || name.len == 0)
			return reader_is_done(&r);
		*plain |= slice_eq_str(name, SCRAM_MECHANISM);
		*plus |= slice_eq_str(name, SCRAM_MECHANISM_PLUS);
	}
}

static enum scram_client_status scram_client_on_mechanisms(struct scram_client *c,
							   struct slice list, struct buf *out)
{
	bool plain, plus;
	if (!scram_client_read_mechanisms(list, &plain, &plus))
		return scram_client_fail(c, "the server's list of SASL mechanisms is malformed");
	bool binds = plus && c->binding_bytes > 0;
	if (c->demands_binding && !binds)
		return scram_client_fail(c, c->binding_bytes
						    ? "channel binding is demanded, and the "
						      "server does not offer it"
						    : "channel binding is demanded, and nothing "
						      "binds the channel");
	if (!plain && !binds)
		return scram_client_fail(c, "the server does not offer " SCRAM_MECHANISM);
	if (c->nonce[0] == '\0')
		return scram_client_fail(c, "no cryptography to be had from OpenSSL");

	/* 'y': we could bind and the server, as it seems to us, cannot. If somebody between us took
	 * that out of its offer, it finds out. */
	c->gs2 = binds ? "p=" SCRAM_BINDING ",," : c->binding_bytes ? "y,," : "n,,";
	char first[sizeof("p=" SCRAM_BINDING ",,n=,r=") + SCRAM_NONCE_BYTES];
	int n = snprintf(first, sizeof(first), "%sn=,r=%s", c->gs2, c->nonce);
	buf_add_str(&c->auth_message, first + strlen(c->gs2));
	build_sasl_initial(out, binds ? SCRAM_MECHANISM_PLUS : SCRAM_MECHANISM,
			   slice_make(first, (size_t)n));
	scram_client_enter(c, SCRAM_CLIENT_STATE_CHALLENGE);
	return SCRAM_CLIENT_MORE;
}

struct scram_client_challenge {
	struct slice nonce;
	uint32_t iterations;
	size_t salt_bytes;
	uint8_t salt[SCRAM_MAX_SALT_BYTES];
};

/* NULL, or what is wrong with it. */
static const char *scram_client_read_challenge(const struct scram_client *c, struct slice text,
					       struct scram_client_challenge *ch)
{
	struct slice salt, iterations, extension;
	if (slice_starts(text, "m="))
		return "it wants an extension that is not known";
	if (!scram_take_attribute(&text, 'r', &ch->nonce) || !scram_is_nonce(ch->nonce))
		return "its nonce is malformed";
	size_t ours = strlen(c->nonce);
	if (!slice_starts(ch->nonce, c->nonce) || ch->nonce.len == ours)
		return "its nonce does not continue ours";
	if (!scram_take_attribute(&text, 's', &salt))
		return "it has no salt";
	ssize_t n = base64_decode(salt, ch->salt, sizeof(ch->salt));
	if (n < 1)
		return "its salt is malformed";
	ch->salt_bytes = (size_t)n;
	if (!scram_take_attribute(&text, 'i', &iterations) ||
	    !scram_parse_iterations(iterations, &ch->iterations))
		return "its iteration count is malformed or out of range";
	while (text.len)
		if (!scram_take_attribute(&text, 0, &extension))
			return "it is malformed";
	return NULL;
}

/* From the password, with the salt that the server names. */
static bool scram_client_make_keys(struct scram_client *c, const struct scram_client_challenge *ch)
{
	if (!c->password)
		return true;
	uint8_t salted[SCRAM_KEY_BYTES];
	bool ok = scram_salt_password(slice_of(c->password), slice_make(ch->salt, ch->salt_bytes),
				      ch->iterations, salted) &&
		  scram_derive_keys(salted, &c->keys);
	mem_wipe(salted, sizeof(salted));
	return ok;
}

/* ",c=", and the header with what binds the channel. */
static void scram_client_say_binding(struct scram_client *c)
{
	uint8_t input[sizeof("p=" SCRAM_BINDING ",,") + SCRAM_MAX_BINDING_BYTES];
	char text[2 * sizeof(input)];
	size_t n = strlen(c->gs2);
	memcpy(input, c->gs2, n);
	if (*c->gs2 == 'p') {
		memcpy(input + n, c->binding, c->binding_bytes);
		n += c->binding_bytes;
	}
	base64_encode(input, n, text);
	buf_addf(&c->auth_message, ",c=%s,r=", text);
}

static enum scram_client_status scram_client_on_challenge(struct scram_client *c, struct slice text,
							  struct buf *out)
{
	struct scram_client_challenge ch;
	const char *wrong = scram_client_read_challenge(c, text, &ch);
	if (wrong)
		return scram_client_fail(c, "the server's SCRAM challenge is refused: %s", wrong);

	struct buf *said = &c->auth_message;
	buf_u8(said, ',');
	buf_add_slice(said, text);
	size_t bare_at = buf_len(said) + 1;
	scram_client_say_binding(c);
	buf_add_slice(said, ch.nonce);
	uint8_t proof[SCRAM_KEY_BYTES];
	char proof_text[SCRAM_KEY_TEXT_BYTES + 1];
	if (buf_failed(said) || !scram_client_make_keys(c, &ch) ||
	    !scram_make_proof(&c->keys, buf_slice(said), proof))
		return scram_client_fail(c, "no cryptography to be had from OpenSSL");
	base64_encode(proof, sizeof(proof), proof_text);

	struct buf final = { 0 };
	buf_add_slice(&final, slice_skip(buf_slice(said), bare_at));
	buf_addf(&final, ",p=%s", proof_text);
	build_sasl_response(out, buf_slice(&final));
	buf_fini(&final);
	scram_client_enter(c, SCRAM_CLIENT_STATE_SIGNATURE);
	return SCRAM_CLIENT_MORE;
}

/* The server's own words, fit for a log line. */
static void scram_client_quote(struct slice text, char quoted[SCRAM_CLIENT_PEER_TEXT_BYTES + 1])
{
	size_t n = slice_head(text, SCRAM_CLIENT_PEER_TEXT_BYTES).len;
	for (size_t i = 0; i < n; i++)
		quoted[i] = text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f ? text.ptr[i] : '?';
	quoted[n] = '\0';
}

static enum scram_client_status scram_client_on_signature(struct scram_client *c, struct slice text)
{
	struct slice value;
	uint8_t got[SCRAM_KEY_BYTES], want[SCRAM_KEY_BYTES];
	if (scram_take_attribute(&text, 'e', &value)) {
		char words[SCRAM_CLIENT_PEER_TEXT_BYTES + 1];
		scram_client_quote(value, words);
		return scram_client_fail(c, "the server refused the SCRAM login: %s", words);
	}
	if (!scram_take_attribute(&text, 'v', &value) ||
	    base64_decode(value, got, sizeof(got)) != SCRAM_KEY_BYTES)
		return scram_client_fail(c, "the server's SCRAM signature is malformed");
	while (text.len)
		if (!scram_take_attribute(&text, 0, &value))
			return scram_client_fail(c, "the server's last SCRAM message is malformed");
	if (!scram_make_signature(c->keys.server_key, buf_slice(&c->auth_message), want))
		return scram_client_fail(c, "no cryptography to be had from OpenSSL");
	if (CRYPTO_memcmp(got, want, sizeof(got)) != 0)
		return scram_client_fail(c, "the server's SCRAM signature is wrong: "
					    "it does not know the password");
	scram_client_enter(c, SCRAM_CLIENT_STATE_VERIFIED);
	return SCRAM_CLIENT_MORE;
}

/* An 'R' that is none of what may come now, in words. */
static enum scram_client_status scram_client_unexpected(struct scram_client *c, uint32_t code)
{
	if (c->state == SCRAM_CLIENT_STATE_MECHANISMS && (code == 3 || code == 5))
		return scram_client_fail(c, "the server asks for %s, and only SCRAM can be given",
					 code == 3 ? "a plain password" : "an md5 password");
	if (code == 0 && c->state < SCRAM_CLIENT_STATE_VERIFIED)
		return scram_client_fail(c, "the server let us in before it proved who it is");
	return scram_client_fail(c, "the server's authentication request %u is out of turn",
				 (unsigned)code);
}

enum scram_client_status scram_client_step(struct scram_client *c, struct slice body,
					   struct buf *out)
{
	static const uint32_t codes[] = {
#define X(id, edges, code) [SCRAM_CLIENT_STATE_##id] = (code),
		SCRAM_CLIENT_STATES(X)
#undef X
	};
	struct reader r;
	reader_init(&r, body);
	uint32_t code = reader_u32(&r);
	if (reader_failed(&r) || body.len > SCRAM_MAX_MESSAGE_BYTES)
		return scram_client_fail(c, "the server's authentication request is malformed");
	if (code != codes[c->state] || code == UINT32_MAX)
		return scram_client_unexpected(c, code);

	struct slice text = reader_rest(&r);
	switch (c->state) {
	case SCRAM_CLIENT_STATE_MECHANISMS:
		return scram_client_on_mechanisms(c, text, out);
	case SCRAM_CLIENT_STATE_CHALLENGE:
		return scram_client_on_challenge(c, text, out);
	case SCRAM_CLIENT_STATE_SIGNATURE:
		return scram_client_on_signature(c, text);
	case SCRAM_CLIENT_STATE_VERIFIED:
		if (text.len)
			return scram_client_fail(c, "the server's AuthenticationOk is malformed");
		scram_client_enter(c, SCRAM_CLIENT_STATE_DONE);
		return SCRAM_CLIENT_DONE;
	case SCRAM_CLIENT_STATE_DONE:
	case SCRAM_CLIENT_STATE_FAILED:
		break;
	}
	return scram_client_unexpected(c, code);
}
