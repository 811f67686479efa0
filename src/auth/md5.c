/*
 * md5.c - PostgreSQL's md5 passwords.
 */
#include "auth/md5.h"

#include <openssl/evp.h>

#include <string.h>

#include "base/mem.h"

#define MD5_RAW_BYTES 16

/* The hex of md5(a + b). */
static bool md5_hex(struct slice a, struct slice b, char hex[MD5_HEX_BYTES + 1])
{
	uint8_t raw[MD5_RAW_BYTES];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1 &&
		  EVP_DigestUpdate(ctx, a.ptr, a.len) == 1 &&
		  EVP_DigestUpdate(ctx, b.ptr, b.len) == 1 &&
		  EVP_DigestFinal_ex(ctx, raw, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return false;

	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < sizeof(raw); i++) {
		hex[2 * i] = digits[raw[i] >> 4];
		hex[2 * i + 1] = digits[raw[i] & 15];
	}
	hex[MD5_HEX_BYTES] = '\0';
	mem_wipe(raw, sizeof(raw));
	return true;
}

bool md5_of_password(struct slice password, struct slice user, char hex[MD5_HEX_BYTES + 1])
{
	return md5_hex(password, user, hex);
}

bool md5_answer(const char hex[MD5_HEX_BYTES], const uint8_t salt[MD5_SALT_BYTES],
		char answer[MD5_ANSWER_BYTES + 1])
{
	memcpy(answer, "md5", 3);
	return md5_hex(slice_make(hex, MD5_HEX_BYTES), slice_make(salt, MD5_SALT_BYTES),
		       answer + 3);
}
