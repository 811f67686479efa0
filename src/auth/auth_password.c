/*
 * auth_password.c - what a client says of its password: the password itself, or its md5 answer.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <string.h>

#include "auth/auth_parts.h"
#include "base/mem.h"
#include "base/vault.h"

/* A text of any length against another, in a time that tells nothing about the other. */
static bool auth_password_is_same(struct slice a, struct slice b)
{
	uint8_t ha[SCRAM_KEY_BYTES], hb[SCRAM_KEY_BYTES];
	bool ok = EVP_Digest(a.ptr, a.len, ha, NULL, EVP_sha256(), NULL) == 1 &&
		  EVP_Digest(b.ptr, b.len, hb, NULL, EVP_sha256(), NULL) == 1 &&
		  CRYPTO_memcmp(ha, hb, sizeof(ha)) == 0;
	mem_wipe(ha, sizeof(ha));
	mem_wipe(hb, sizeof(hb));
	return ok;
}

/* The one string that the body is, its zero taken off. */
static bool auth_password_take_cstr(struct slice body, struct slice *text)
{
	if (body.len == 0 || memchr(body.ptr, '\0', body.len) != body.ptr + body.len - 1)
		return false;
	*text = slice_head(body, body.len - 1);
	return true;
}

static bool auth_password_is_md5(const struct auth_exchange *ex, struct slice password)
{
	char hex[MD5_HEX_BYTES + 1];
	struct slice kept = secret_md5_hex(ex->secret);
	return md5_of_password(password, slice_of(ex->user), hex) &&
	       CRYPTO_memcmp(hex, kept.ptr, MD5_HEX_BYTES) == 0;
}

enum auth_status auth_password_judge(struct auth_exchange *ex, struct buf *out)
{
	struct slice password = slice_of(ex->password);
	bool is_right = false;
	if (!ex->doom) {
		switch (secret_kind(ex->secret)) {
		case SECRET_NONE:
			break;
		case SECRET_PLAIN:
			is_right = auth_password_is_same(password, secret_text(ex->secret));
			break;
		case SECRET_MD5:
			is_right = auth_password_is_md5(ex, password);
			break;
		case SECRET_SCRAM:
			return auth_ask_helper(ex, AUTH_TASK_COMPARE);
		}
	}
	if (is_right)
		return auth_accept(ex, out);
	return auth_ask_helper(ex, AUTH_TASK_NOTHING_OF_USE);
}

enum auth_status auth_password_take(struct auth_exchange *ex, struct slice body, struct buf *out)
{
	struct slice password;
	if (!auth_password_take_cstr(body, &password))
		return auth_reject(ex, "malformed password message");
	ex->password = vault_dup(password);
	if (ex->method == AUTH_METHOD_JUDGED) {
		/* to many a directory, and to some servers, no password means: nobody in particular
		 */
		if (password.len == 0)
			return auth_refuse(ex, "empty password");
		auth_enter(ex, AUTH_STATE_JUDGE);
		return AUTH_JUDGE;
	}
	return auth_password_judge(ex, out);
}

/* What is kept of the password under md5; for somebody unknown, of a password of our own. */
static bool auth_password_md5_hex(const struct auth_exchange *ex, char hex[MD5_HEX_BYTES + 1])
{
	struct slice user = slice_of(ex->user);
	if (ex->doom)
		return md5_of_password(slice_make(ex->salt, SCRAM_SALT_BYTES), user, hex);
	if (secret_kind(ex->secret) == SECRET_PLAIN)
		return md5_of_password(secret_text(ex->secret), user, hex);
	memcpy(hex, secret_md5_hex(ex->secret).ptr, MD5_HEX_BYTES);
	return true;
}

enum auth_status auth_password_judge_answer(struct auth_exchange *ex, struct buf *out)
{
	char hex[MD5_HEX_BYTES + 1], want[MD5_ANSWER_BYTES + 1];
	bool ok = auth_password_md5_hex(ex, hex) && md5_answer(hex, ex->md5_salt, want) &&
		  CRYPTO_memcmp(ex->answer, want, MD5_ANSWER_BYTES) == 0;
	mem_wipe(hex, sizeof(hex));
	mem_wipe(want, sizeof(want));
	if (ok && !ex->doom)
		return auth_accept(ex, out);
	return auth_refuse(ex, "wrong password");
}

enum auth_status auth_password_take_answer(struct auth_exchange *ex, struct slice body,
					   struct buf *out)
{
	struct slice got;
	if (!auth_password_take_cstr(body, &got))
		return auth_reject(ex, "malformed password message");
	if (got.len == MD5_ANSWER_BYTES)
		memcpy(ex->answer, got.ptr, MD5_ANSWER_BYTES);
	return auth_password_judge_answer(ex, out);
}
