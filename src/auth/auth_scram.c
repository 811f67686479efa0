/*
 * auth_scram.c - the messages of SCRAM in their order, and the secret that they are held against.
 */
#include "auth/auth_parts.h"
#include "wire/build.h"
#include "wire/reader.h"

/* What the client's SCRAM secret was, or would have been, salted with. */
static struct slice auth_scram_salt(const struct auth_exchange *ex, uint32_t *iterations)
{
	if (ex->doom || secret_kind(ex->secret) != SECRET_SCRAM) {
		*iterations = ex->doom ? ex->mock_iterations : SCRAM_ITERATIONS;
		return slice_make(ex->salt, SCRAM_SALT_BYTES);
	}
	const struct scram_verifier *v = secret_scram(ex->secret);
	*iterations = v->iterations;
	return slice_make(v->salt, v->salt_bytes);
}

enum auth_status auth_scram_first(struct auth_exchange *ex, struct slice text, struct buf *out)
{
	uint32_t iterations;
	struct slice salt = auth_scram_salt(ex, &iterations);
	const char *wrong = scram_server_first(&ex->scram, text, ex->nonce, salt, iterations);
	if (wrong)
		return auth_reject(ex, wrong);
	build_auth_sasl_continue(out, scram_server_challenge(&ex->scram));
	auth_enter(ex, AUTH_STATE_PROOF);
	return AUTH_MORE;
}

enum auth_status auth_scram_initial(struct auth_exchange *ex, struct slice body, struct buf *out)
{
	struct reader r;
	reader_init(&r, body);
	struct slice mechanism = reader_cstr(&r);
	struct slice text = reader_value(&r);
	if (!reader_is_done(&r))
		return auth_reject(ex, "malformed SASLInitialResponse");
	if (!scram_server_choose(&ex->scram, mechanism))
		return auth_reject(ex, "the client chose a SASL mechanism that was not offered");
	if (text.ptr)
		return auth_scram_first(ex, text, out);
	build_auth_sasl_continue(out, SLICE_NONE); /* it speaks when it is spoken to */
	auth_enter(ex, AUTH_STATE_FIRST);
	return AUTH_MORE;
}

bool auth_scram_check(struct auth_exchange *ex, const struct scram_verifier *v, struct buf *out)
{
	char final[SCRAM_SERVER_FINAL_BYTES + 1];
	if (!scram_server_check(&ex->scram, v, &ex->keys, final))
		return false;
	ex->has_keys = secret_kind(ex->secret) == SECRET_SCRAM;
	build_auth_sasl_final(out, slice_of(final));
	return true;
}

enum auth_status auth_scram_proof(struct auth_exchange *ex, struct slice body, struct buf *out)
{
	const char *wrong = scram_server_final(&ex->scram, body);
	if (wrong)
		return auth_reject(ex, wrong);
	if (ex->doom)
		return auth_ask_helper(ex, AUTH_TASK_NOTHING_OF_USE);
	const struct scram_verifier *v =
		secret_kind(ex->secret) == SECRET_SCRAM
			? secret_scram(ex->secret)
			: secret_verifier(ex->secret, slice_make(ex->salt, SCRAM_SALT_BYTES));
	if (!v)
		return auth_ask_helper(ex, AUTH_TASK_VERIFIER);
	if (auth_scram_check(ex, v, out))
		return auth_accept(ex, out);
	return auth_ask_helper(ex, AUTH_TASK_NOTHING_OF_USE);
}
