/*
 * scram_server.c - reads what a SCRAM client says, strictly, and makes the answers.
 *
 *	client-first   flag "," "," "n=" name "," "r=" nonce
 *	server-first   "r=" nonce nonce' ",s=" salt ",i=" iterations
 *	client-final   "c=" base64(flag ",," binding) ",r=" nonce nonce' ",p=" proof
 *	server-final   "v=" signature
 *
 * The flag, by what was offered and what was chosen (RFC 5802, section 6):
 *
 *		-PLUS not offered	-PLUS offered		-PLUS chosen
 *	n	goes on			goes on			refused
 *	y	goes on			refused: downgrade	refused
 *	p=...	refused			refused			goes on, if it is the kind we know
 *
 * The three parts that are signed are gathered in one buffer as they are said. The user's
 * name in client-first is ignored, as in PostgreSQL: the startup packet's counts.
 */
#include "auth/scram_server.h"

#include <string.h>

#include "auth/base64.h"
#include "base/mem.h"

#define SCRAM_SERVER_MAX_BYTES (4 * SCRAM_MAX_MESSAGE_BYTES)

void scram_server_init(struct scram_server *s)
{
	*s = (struct scram_server){ 0 };
	buf_init(&s->auth_message, SCRAM_SERVER_MAX_BYTES);
}

void scram_server_fini(struct scram_server *s)
{
	buf_fini(&s->auth_message);
	mem_wipe(s->proof, sizeof(s->proof));
}

/* ---- what is offered ------------------------------------------------------------------ */

void scram_server_bind(struct scram_server *s, struct slice end_point)
{
	BUG_ON(end_point.len > SCRAM_MAX_BINDING_BYTES);
	s->binding_bytes = end_point.len;
	if (end_point.len)
		memcpy(s->binding, end_point.ptr, end_point.len);
}

size_t scram_server_offer(const struct scram_server *s,
			  const char *names[SCRAM_SERVER_MAX_MECHANISMS])
{
	size_t n = 0;
	if (s->binding_bytes)
		names[n++] = SCRAM_MECHANISM_PLUS;
	names[n++] = SCRAM_MECHANISM;
	return n;
}

bool scram_server_choose(struct scram_server *s, struct slice mechanism)
{
	s->is_plus = s->binding_bytes && slice_eq_str(mechanism, SCRAM_MECHANISM_PLUS);
	return s->is_plus || slice_eq_str(mechanism, SCRAM_MECHANISM);
}

/* ---- what the client says first ------------------------------------------------------- */

/* The binding flag against what was offered and chosen. */
static const char *scram_server_judge_flag(const struct scram_server *s)
{
	switch (s->flag) {
	case 'n':
		return s->is_plus ? "the client chose SCRAM-SHA-256-PLUS and binds no channel"
				  : NULL;
	case 'y':
		if (s->is_plus)
			return "the client chose SCRAM-SHA-256-PLUS and binds no channel";
		return s->binding_bytes ? "SCRAM channel binding was offered, and the client was "
					  "told that it was not"
					: NULL;
	default:
		if (s->is_plus)
			return NULL;
		return s->binding_bytes ? "the client binds the channel and did not choose "
					  "SCRAM-SHA-256-PLUS"
					: "the client wants SCRAM channel binding, which was not "
					  "offered";
	}
}

/* The flag and its comma, taken off the front. */
static const char *scram_server_take_flag(struct scram_server *s, struct slice *text)
{
	s->flag = text->len ? text->ptr[0] : '\0';
	if (s->flag == 'p') {
		struct slice kind;
		if (!scram_take_attribute(text, 'p', &kind))
			return "malformed SCRAM channel-binding flag";
		return s->is_plus && !slice_eq_str(kind, SCRAM_BINDING)
			       ? "the client wants a kind of SCRAM channel binding that is not known"
			       : scram_server_judge_flag(s);
	}
	if ((s->flag != 'n' && s->flag != 'y') || text->len < 2 || text->ptr[1] != ',')
		return "malformed SCRAM channel-binding flag";
	*text = slice_skip(*text, 2);
	return scram_server_judge_flag(s);
}

/* The gs2 header: binding flag and authorisation identity, taken off the front. */
static const char *scram_server_gs2(struct scram_server *s, struct slice *text)
{
	if (text->len < 3)
		return "the SCRAM client-first-message is too short";
	const char *wrong = scram_server_take_flag(s, text);
	if (wrong)
		return wrong;
	if (text->len && text->ptr[0] == 'a')
		return "SCRAM authorization identities are not supported";
	if (!text->len || text->ptr[0] != ',')
		return "malformed SCRAM header";
	*text = slice_skip(*text, 1);
	return NULL;
}

/* A '=' begins =2C or =3D in a name, and nothing else. */
static bool scram_server_is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] != '=')
			continue;
		struct slice rest = slice_skip(name, i);
		if (!slice_starts(rest, "=2C") && !slice_starts(rest, "=3D"))
			return false;
	}
	return true;
}

/* "n=name,": a name may be empty here, and mostly is. */
static const char *scram_server_take_name(struct slice *text)
{
	const char *comma = text->len ? memchr(text->ptr, ',', text->len) : NULL;
	if (slice_starts(*text, "m="))
		return "the client wants a SCRAM extension that is not known";
	if (!slice_starts(*text, "n=") || !comma)
		return "malformed SCRAM client-first-message: no user name";
	size_t n = (size_t)(comma - text->ptr);
	struct slice name = slice_make(text->ptr + 2, n - 2);
	if (memchr(text->ptr, '\0', n) || !scram_server_is_name(name))
		return "malformed SCRAM user name";
	*text = slice_skip(*text, n + 1);
	return NULL;
}

/* Optional extensions: their grammar is checked, and they mean nothing to us. */
static bool scram_server_skip_extensions(struct slice *text)
{
	struct slice value;
	while (text->len)
		if (!scram_take_attribute(text, 0, &value))
			return false;
	return true;
}

const char *scram_server_first(struct scram_server *s, struct slice client_first, const char *nonce,
			       struct slice salt, uint32_t iterations)
{
	const char *wrong = scram_server_gs2(s, &client_first);
	if (wrong)
		return wrong;
	struct slice bare = client_first, client_nonce;
	wrong = scram_server_take_name(&client_first);
	if (wrong)
		return wrong;
	if (!scram_take_attribute(&client_first, 'r', &client_nonce) ||
	    !scram_is_nonce(client_nonce))
		return "malformed SCRAM nonce";
	if (!scram_server_skip_extensions(&client_first))
		return "malformed SCRAM client-first-message";

	BUG_ON(salt.len > SCRAM_MAX_SALT_BYTES);
	char salt_text[BASE64_TEXT_BYTES(SCRAM_MAX_SALT_BYTES) + 1];
	base64_encode(salt.ptr, salt.len, salt_text);
	struct buf *b = &s->auth_message;
	buf_add_slice(b, bare);
	buf_u8(b, ',');
	s->first_at = buf_len(b);
	buf_add_str(b, "r=");
	buf_add_slice(b, client_nonce);
	buf_add_str(b, nonce);
	s->nonce_bytes = client_nonce.len + strlen(nonce);
	buf_addf(b, ",s=%s,i=%u", salt_text, (unsigned)iterations);
	s->first_bytes = buf_len(b) - s->first_at;
	return buf_failed(b) ? "the SCRAM client-first-message is too long" : NULL;
}

struct slice scram_server_challenge(const struct scram_server *s)
{
	return slice_head(slice_skip(buf_slice(&s->auth_message), s->first_at), s->first_bytes);
}

/* ---- what it says last ----------------------------------------------------------------- */

/* Is it what the flag, and under -PLUS our certificate, make of it? */
static bool scram_server_is_bound(const struct scram_server *s, struct slice value)
{
	static const char head[] = "p=" SCRAM_BINDING ",,";
	uint8_t bound[sizeof(head) - 1 + SCRAM_MAX_BINDING_BYTES];
	char text[BASE64_TEXT_BYTES(sizeof(bound)) + 1];
	if (s->flag != 'p')
		return slice_eq_str(value, s->flag == 'y' ? "eSws" : "biws");
	memcpy(bound, head, sizeof(head) - 1);
	memcpy(bound + sizeof(head) - 1, s->binding, s->binding_bytes);
	base64_encode(bound, sizeof(head) - 1 + s->binding_bytes, text);
	return slice_eq_str(value, text);
}

const char *scram_server_final(struct scram_server *s, struct slice client_final)
{
	struct slice rest = client_final, value;
	if (!scram_take_attribute(&rest, 'c', &value))
		return "malformed SCRAM client-final-message: no channel binding";
	if (!scram_server_is_bound(s, value))
		return s->flag == 'p'
			       ? "SCRAM channel binding check failed: the client sees another "
				 "certificate than ours"
			       : "unexpected SCRAM channel binding";
	struct slice nonce = slice_head(slice_skip(scram_server_challenge(s), 2), s->nonce_bytes);
	if (!scram_take_attribute(&rest, 'r', &value) || !slice_eq(value, nonce))
		return "the SCRAM nonce is not the one that was sent";
	while (rest.len && rest.ptr[0] != 'p')
		if (!scram_take_attribute(&rest, 0, &value))
			return "malformed SCRAM client-final-message";

	size_t bare_bytes = client_final.len - rest.len;
	if (!scram_take_attribute(&rest, 'p', &value) || rest.len > 0 ||
	    base64_decode(value, s->proof, sizeof(s->proof)) != SCRAM_KEY_BYTES)
		return "malformed SCRAM proof";
	buf_u8(&s->auth_message, ',');
	buf_add(&s->auth_message, client_final.ptr, bare_bytes - 1); /* without its comma */
	return buf_failed(&s->auth_message) ? "the SCRAM client-final-message is too long" : NULL;
}

bool scram_server_check(const struct scram_server *s, const struct scram_verifier *v,
			struct scram_keys *keys, char final[SCRAM_SERVER_FINAL_BYTES + 1])
{
	struct slice said = buf_slice(&s->auth_message);
	uint8_t signature[SCRAM_KEY_BYTES];
	if (!scram_check_proof(v->stored_key, said, s->proof, keys->client_key) ||
	    !scram_make_signature(v->server_key, said, signature))
		return false;
	memcpy(keys->stored_key, v->stored_key, SCRAM_KEY_BYTES);
	memcpy(keys->server_key, v->server_key, SCRAM_KEY_BYTES);
	memcpy(final, "v=", 2);
	base64_encode(signature, sizeof(signature), final + 2);
	return true;
}
