/*
 * fuzz_sasl.c - what a client may send in a login, and what a server may send in ours.
 *
 * The first byte chooses who is played, the method, and whether the channel can (or has to) be
 * bound; then come messages, each with its length in two bytes before it. A nonce is fixed, so that
 * an input means the same each time. Nobody knows the password here: a login that succeeds, or a
 * server that proves itself, is a fault of ours. The arithmetic in helpers is left out: it sees
 * nothing that was not checked before.
 */
#include <stdint.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/scram_client.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define END_POINT "the hash of our certificate....."
#define NONCE "fyko+d2lbbFgONRv9qkxdawL"
#define SCRAM_SECRET                                                                               \
	"SCRAM-SHA-256$4096:4couKAzy2Mlw4nyVBPcAEA==$73X+hmpqdxtP3XULrKUKjCGN7J7onbNp5layXfJxSc4=" \
	":f/8fOZncXfGQw2Y1H9SA+yZGBWfjnmcH9sUAuJitMO4="

/* The next message off the front; a length that is too long takes what is left. */
static bool take_message(struct slice *input, struct slice *message)
{
	if (input->len < 2)
		return false;
	size_t n = (size_t)(uint8_t)input->ptr[0] << 8 | (uint8_t)input->ptr[1];
	*message = slice_head(slice_skip(*input, 2), n);
	*input = slice_skip(*input, 2 + message->len);
	return true;
}

static void fuzz_client_login(uint8_t choice, struct slice input)
{
	static const enum auth_method methods[] = { AUTH_METHOD_PLAIN, AUTH_METHOD_MD5,
						    AUTH_METHOD_SCRAM, AUTH_METHOD_JUDGED };
	static const char *const secrets[] = { "a password that no input has",
					       "md56b765adf84f3c4341e8aab77ceda3bf1", SCRAM_SECRET,
					       NULL };
	const char *text = secrets[choice >> 2 & 3];
	struct auth_mock mock = { 0 };
	struct secret *secret = text ? secret_new(slice_of(text)) : NULL;
	struct auth_request req = { .method = methods[choice & 3],
				    .user = SLICE("alice"),
				    .secret = secret,
				    .mock = &mock,
				    .like_scram = choice & 16,
				    .binding = choice & 32 ? SLICE(END_POINT) : SLICE_NONE,
				    .server_nonce = NONCE };
	struct auth_exchange *ex = auth_new(&req);
	struct buf out = { .max_bytes = 1 << 16 };
	struct slice message;
	enum auth_status status = auth_start(ex, &out);
	while (status == AUTH_MORE && take_message(&input, &message)) {
		buf_clear(&out);
		status = auth_step(ex, message, &out);
		BUG_ON(buf_failed(&out) || (status == AUTH_MORE) != (buf_len(&out) > 0));
	}
	if (status == AUTH_JUDGE) {
		BUG_ON(!*auth_password(ex));
		status = auth_judged(ex, false, "no", &out);
	}
	BUG_ON(status == AUTH_OK);
	auth_free(ex);
	secret_unref(secret);
	buf_fini(&out);
}

static void fuzz_server_login(uint8_t choice, struct slice input)
{
	struct scram_keys keys;
	memset(&keys, 0x5a, sizeof(keys));
	struct scram_client *c = scram_client_new_keys(&keys, NONCE);
	scram_client_bind(c, choice & 32 ? SLICE(END_POINT) : SLICE_NONE, choice & 64);
	struct buf out = { .max_bytes = 1 << 16 };
	struct slice message;
	enum scram_client_status status = SCRAM_CLIENT_MORE;
	while (status == SCRAM_CLIENT_MORE && take_message(&input, &message)) {
		buf_clear(&out);
		status = scram_client_step(c, message, &out);
		BUG_ON(buf_failed(&out) || (status == SCRAM_CLIENT_MORE) != (buf_len(&out) > 0));
	}
	BUG_ON(status == SCRAM_CLIENT_DONE);
	BUG_ON((status == SCRAM_CLIENT_FAILED) != (*scram_client_reason(c) != '\0'));
	scram_client_free(c);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct slice input = slice_skip(slice_make(data, size), 1);
	if (data[0] & 0x80)
		fuzz_server_login(data[0], input);
	else
		fuzz_client_login(data[0], input);
	return 0;
}
