/*
 * scram_server.c - reads what a SCRAM client says, strictly, and makes the answers.
 *
 *	client-first   flag "," "," "n=" name "," "r=" nonce
 *	server-first   "r=" nonce nonce' ",s=" salt ",i=" iterations
 *	client-final   "c=" base64(flag ",,") ",r=" nonce nonce' ",p=" proof
 *	server-final   "v=" signature
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

/* The gs2 header: binding flag and authorisation identity, taken off the front. */
static const char *scram_server_gs2(struct scram_server *s, struct slice *text)
{
	if (text->len < 3)
		return "the SCRAM client-first-message is too short";
	s->flag = text->ptr[0];
	if (s->flag == 'p')
		return "the client wants SCRAM channel binding, which was not offered";
	if ((s->flag != 'n' && s->flag != 'y') || text->ptr[1] != ',')
		return "malformed SCRAM channel-binding flag";
	if (text->ptr[2] == 'a')
		return "SCRAM authorization identities are not supported";
	if (text->ptr[2] != ',')
		return "malformed SCRAM header";
	*text = slice_skip(*text, 3);
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

const char *scram_server_final(struct scram_server *s, struct slice client_final)
{
	struct slice rest = client_final, value;
	if (!scram_take_attribute(&rest, 'c', &value))
		return "malformed SCRAM client-final-message: no channel binding";
	if (!slice_eq_str(value, s->flag == 'y' ? "eSws" : "biws"))
		return "unexpected SCRAM channel binding";
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
