/*
 * auth.c - the steps of a client's login.
 *
 * What it is not: a reader of frames (the caller has taken the body out of its 'p' message), a
 * sender, or the judge of which method applies to whom.
 *
 *	NEW -+-> PASSWORD --> JUDGE ------|-------------------+
 *	     |          `-----------------+-> WORK -> WORKED -+-> OVER
 *	     +-> ANSWER (md5) ------------|-------------------+
 *	     +-> INITIAL -+----> PROOF ---+-------------------+
 *	                  +-> FIRST -^
 *
 * A refusal under plain or md5 may be reconsidered by another secret: OVER leads back then.
 * A fault in what the client sends leads from anywhere to OVER, and so does success: from NEW
 * under trust, from PASSWORD, ANSWER and PROOF where the client is right.
 *
 * A login that cannot succeed (doomed) takes the same way as one with a wrong password: the
 * salt comes from the name and a key of this process, and the refusal comes after one run of
 * PBKDF2 in a helper. The salt of a user whose password is kept as plain text is made the same
 * way, so that nothing about it tells the two apart.
 */
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <stdlib.h>
#include <string.h>

#include "auth/auth_parts.h"
#include "auth/entropy.h"
#include "base/mem.h"
#include "base/vault.h"
#include "wire/build.h"

/* ---- names ----------------------------------------------------------------------- */

const char *auth_method_name(enum auth_method method)
{
	static const char *const names[] = {
#define X(id, name) [AUTH_METHOD_##id] = name,
		AUTH_METHODS(X)
#undef X
	};
	return names[method];
}

const char *auth_state_name(const struct auth_exchange *ex)
{
	static const char *const names[] = {
#define X(id, edges) [AUTH_STATE_##id] = #id,
		AUTH_STATES(X)
#undef X
	};
	return names[ex->state];
}

const char *auth_reason(const struct auth_exchange *ex)
{
	return ex->reason ? ex->reason : "";
}

void auth_enter(struct auth_exchange *ex, enum auth_state to)
{
	static const unsigned edges[] = {
#define X(id, edges_) [AUTH_STATE_##id] = (edges_),
		AUTH_STATES(X)
#undef X
	};
	BUG_ON(!(edges[ex->state] & 1u << to));
	ex->state = to;
}

/* ---- the beginning and the end --------------------------------------------------- */

bool auth_mock_init(struct auth_mock *mock)
{
	*mock = (struct auth_mock){ 0 };
	return RAND_bytes(mock->key, sizeof(mock->key)) == 1;
}

static enum auth_method auth_effective_method(const struct auth_request *req, bool is_known)
{
	if (req->method != AUTH_METHOD_MD5)
		return req->method;
	bool is_scram = is_known ? secret_kind(req->secret) == SECRET_SCRAM : req->like_scram;
	return is_scram ? AUTH_METHOD_SCRAM : AUTH_METHOD_MD5;
}

/* Why nothing that the client can say would do, or NULL. */
static const char *auth_doom(const struct auth_request *req, enum auth_method method)
{
	if (method == AUTH_METHOD_TRUST || method == AUTH_METHOD_JUDGED)
		return NULL;
	if (!req->secret)
		return "no such user, or no secret is known";
	if (secret_kind(req->secret) == SECRET_NONE)
		return "the user's password is empty, which lets nobody in";
	if (method == AUTH_METHOD_SCRAM && secret_kind(req->secret) == SECRET_MD5)
		return "the user's secret is an md5 hash, which scram-sha-256 cannot use";
	return NULL;
}

/* What its method needs of that; the same for those who are known and those who are not. */
static bool auth_make_salts(struct auth_exchange *ex, const struct auth_request *req)
{
	if (ex->method == AUTH_METHOD_TRUST)
		return true;
	if (ex->method == AUTH_METHOD_MD5 && !entropy_take(ex->md5_salt, sizeof(ex->md5_salt)))
		return false;
	if (!scram_hmac(slice_make(req->mock->key, sizeof(req->mock->key)), req->user, ex->salt))
		return false;
	if (!req->server_nonce)
		return ex->method != AUTH_METHOD_SCRAM || scram_make_nonce(ex->nonce);
	BUG_ON(strlen(req->server_nonce) > SCRAM_NONCE_BYTES);
	strcpy(ex->nonce, req->server_nonce);
	return true;
}

struct auth_exchange *auth_new(const struct auth_request *req)
{
	struct auth_exchange *ex = vault_alloc(sizeof(*ex));
	bool is_known = req->secret && secret_kind(req->secret) != SECRET_NONE;
	ex->state = AUTH_STATE_NEW;
	ex->method = auth_effective_method(req, is_known);
	ex->secret = secret_ref(req->secret);
	ex->user = slice_dup(req->user);
	ex->doom = auth_doom(req, ex->method);
	scram_server_init(&ex->scram);
	scram_server_bind(&ex->scram, req->binding);
	ex->mock_iterations = req->like_iterations ? req->like_iterations : SCRAM_ITERATIONS;

	if (!auth_make_salts(ex, req))
		ex->reason = "no cryptography to be had from OpenSSL";
	return ex;
}

static void auth_drop_password(struct auth_exchange *ex)
{
	vault_free(ex->password);
	ex->password = NULL;
}

void auth_free(struct auth_exchange *ex)
{
	if (!ex)
		return;
	auth_drop_password(ex);
	secret_unref(ex->secret);
	scram_server_fini(&ex->scram);
	free(ex->user);
	vault_free(ex);
}

enum auth_status auth_accept(struct auth_exchange *ex, struct buf *out)
{
	build_auth_ok(out);
	ex->is_accepted = true;
	auth_enter(ex, AUTH_STATE_OVER);
	return AUTH_OK;
}

enum auth_status auth_refuse(struct auth_exchange *ex, const char *reason)
{
	if (ex->method != AUTH_METHOD_PLAIN) /* it may be reconsidered */
		auth_drop_password(ex);
	ex->reason = ex->doom ? ex->doom : reason;
	auth_enter(ex, AUTH_STATE_OVER);
	return AUTH_REFUSED;
}

enum auth_status auth_reject(struct auth_exchange *ex, const char *wrong)
{
	auth_drop_password(ex);
	ex->reason = wrong;
	if (ex->state != AUTH_STATE_OVER)
		auth_enter(ex, AUTH_STATE_OVER);
	return AUTH_MALFORMED;
}

enum auth_status auth_ask_helper(struct auth_exchange *ex, enum auth_task task)
{
	ex->task = task;
	auth_enter(ex, AUTH_STATE_WORK);
	return AUTH_WORK;
}

enum auth_status auth_start(struct auth_exchange *ex, struct buf *out)
{
	const char *mechanisms[SCRAM_SERVER_MAX_MECHANISMS];
	BUG_ON(ex->state != AUTH_STATE_NEW);
	if (ex->reason)
		return auth_refuse(ex, ex->reason);
	switch (ex->method) {
	case AUTH_METHOD_TRUST:
		return auth_accept(ex, out);
	case AUTH_METHOD_PLAIN:
	case AUTH_METHOD_JUDGED:
		build_auth_cleartext(out);
		auth_enter(ex, AUTH_STATE_PASSWORD);
		break;
	case AUTH_METHOD_MD5:
		build_auth_md5(out, ex->md5_salt);
		auth_enter(ex, AUTH_STATE_ANSWER);
		break;
	case AUTH_METHOD_SCRAM:
		build_auth_sasl(out, mechanisms, scram_server_offer(&ex->scram, mechanisms));
		auth_enter(ex, AUTH_STATE_INITIAL);
		break;
	}
	return AUTH_MORE;
}

/* ---- another secret --------------------------------------------------------------- */

enum auth_status auth_reconsider(struct auth_exchange *ex, struct secret *secret, struct buf *out)
{
	BUG_ON(ex->state != AUTH_STATE_OVER);
	bool is_plain = ex->method == AUTH_METHOD_PLAIN && ex->password;
	bool is_md5 = ex->method == AUTH_METHOD_MD5 && *ex->answer;
	if (!secret || secret_kind(secret) == SECRET_NONE ||
	    (ex->secret && secret_is_same(secret, ex->secret)) ||
	    !(is_plain || (is_md5 && secret_kind(secret) != SECRET_SCRAM)))
		return AUTH_REFUSED;
	secret_unref(ex->secret);
	ex->secret = secret_ref(secret);
	ex->doom = ex->reason = NULL;
	auth_enter(ex, is_plain ? AUTH_STATE_PASSWORD : AUTH_STATE_ANSWER);
	return is_plain ? auth_password_judge(ex, out) : auth_password_judge_answer(ex, out);
}

/* ---- steps ----------------------------------------------------------------------- */

enum auth_status auth_step(struct auth_exchange *ex, struct slice body, struct buf *out)
{
	if (body.len > AUTH_MAX_MESSAGE_BYTES)
		return auth_reject(ex, "the password message is too long");
	switch (ex->state) {
	case AUTH_STATE_PASSWORD:
		return auth_password_take(ex, body, out);
	case AUTH_STATE_ANSWER:
		return auth_password_take_answer(ex, body, out);
	case AUTH_STATE_INITIAL:
		return auth_scram_initial(ex, body, out);
	case AUTH_STATE_FIRST:
		return auth_scram_first(ex, body, out);
	case AUTH_STATE_PROOF:
		return auth_scram_proof(ex, body, out);
	case AUTH_STATE_OVER:
		return auth_reject(ex, "a password message after the login");
	case AUTH_STATE_NEW:
	case AUTH_STATE_JUDGE:
	case AUTH_STATE_WORK:
	case AUTH_STATE_WORKED:
		break;
	}
	bug(__FILE__, __LINE__, __func__, "a step that was not asked for");
}

void auth_work(struct auth_exchange *ex)
{
	struct slice salt = slice_make(ex->salt, SCRAM_SALT_BYTES);
	const struct scram_verifier *kept;
	BUG_ON(ex->state != AUTH_STATE_WORK);
	switch (ex->task) {
	case AUTH_TASK_NOTHING_OF_USE:
		ex->is_computed = scram_make_verifier(SLICE("nobody's password"), salt,
						      ex->mock_iterations, &ex->verifier);
		break;
	case AUTH_TASK_VERIFIER:
		ex->is_computed = secret_make_verifier(ex->secret, salt, &ex->verifier);
		break;
	case AUTH_TASK_COMPARE:
		kept = secret_scram(ex->secret);
		ex->is_computed = scram_make_verifier(slice_of(ex->password),
						      slice_make(kept->salt, kept->salt_bytes),
						      kept->iterations, &ex->verifier);
		break;
	}
	auth_enter(ex, AUTH_STATE_WORKED);
}

enum auth_status auth_resume(struct auth_exchange *ex, struct buf *out)
{
	bool is_right = false;
	BUG_ON(ex->state != AUTH_STATE_WORKED && ex->state != AUTH_STATE_WORK);
	if (ex->state == AUTH_STATE_WORK)
		return auth_refuse(ex, "the login's arithmetic was not done");
	if (!ex->is_computed)
		return auth_refuse(ex, "no cryptography to be had from OpenSSL");
	switch (ex->task) {
	case AUTH_TASK_NOTHING_OF_USE:
		break;
	case AUTH_TASK_VERIFIER:
		is_right = auth_scram_check(ex, &ex->verifier, out);
		break;
	case AUTH_TASK_COMPARE:
		is_right =
			CRYPTO_memcmp(ex->verifier.stored_key, secret_scram(ex->secret)->stored_key,
				      SCRAM_KEY_BYTES) == 0;
		break;
	}
	return is_right ? auth_accept(ex, out) : auth_refuse(ex, "wrong password");
}

/* ---- somebody else's verdict ---------------------------------------------------------- */

const char *auth_password(const struct auth_exchange *ex)
{
	BUG_ON(ex->state != AUTH_STATE_JUDGE);
	return ex->password;
}

enum auth_status auth_judged(struct auth_exchange *ex, bool is_right, const char *why,
			     struct buf *out)
{
	BUG_ON(ex->state != AUTH_STATE_JUDGE);
	return is_right ? auth_accept(ex, out) : auth_refuse(ex, why);
}

/* ---- what a login leaves ----------------------------------------------------------- */

bool auth_take_scram_keys(struct auth_exchange *ex, struct scram_keys *out)
{
	if (ex->state != AUTH_STATE_OVER || !ex->has_keys)
		return false;
	*out = ex->keys;
	mem_wipe(&ex->keys, sizeof(ex->keys));
	ex->has_keys = false;
	return true;
}

char *auth_take_password(struct auth_exchange *ex)
{
	if (ex->state != AUTH_STATE_OVER || !ex->is_accepted)
		return NULL;
	char *password = ex->password;
	ex->password = NULL;
	return password;
}
