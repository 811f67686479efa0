/*
 * scram.c - the arithmetic and the small grammar of SCRAM-SHA-256, of neither side.
 */
#include "auth/scram.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "auth/base64.h"
#include "auth/entropy.h"
#include "auth/saslprep.h"
#include "base/mem.h"

#define SCRAM_RAW_NONCE_BYTES 18
#define SCRAM_BLOCK_BYTES 64 /* what SHA-256 works on at once */

_Static_assert(BASE64_TEXT_BYTES(SCRAM_RAW_NONCE_BYTES) == SCRAM_NONCE_BYTES, "nonce in base64");
_Static_assert(BASE64_TEXT_BYTES(SCRAM_KEY_BYTES) == SCRAM_KEY_TEXT_BYTES, "key in base64");

/* ---- arithmetic ------------------------------------------------------------------ */

/*
 * SHA-256, looked up once: OpenSSL's one-shot calls look their algorithms up by name each time,
 * behind locks that all threads share, which costs several times the arithmetic of a login.
 */
static pthread_once_t scram_once = PTHREAD_ONCE_INIT;
static EVP_MD *scram_sha256; /* NULL: OpenSSL has none; lives as long as the program */

static void scram_fetch(void)
{
	scram_sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
}

static const EVP_MD *scram_md(void)
{
	pthread_once(&scram_once, scram_fetch);
	return scram_sha256;
}

/* The hash of two texts, one behind the other. */
static bool scram_digest(EVP_MD_CTX *ctx, struct slice first, struct slice second,
			 uint8_t hash[SCRAM_KEY_BYTES])
{
	return EVP_DigestInit_ex2(ctx, scram_md(), NULL) == 1 &&
	       EVP_DigestUpdate(ctx, first.ptr, first.len) == 1 &&
	       EVP_DigestUpdate(ctx, second.ptr, second.len) == 1 &&
	       EVP_DigestFinal_ex(ctx, hash, NULL) == 1;
}

/* A block of the key, XORed with a byte (RFC 2104). */
static void scram_pad(struct slice key, uint8_t with, uint8_t block[SCRAM_BLOCK_BYTES])
{
	memset(block, with, SCRAM_BLOCK_BYTES);
	for (size_t i = 0; i < key.len; i++)
		block[i] ^= (uint8_t)key.ptr[i];
}

bool scram_hmac(struct slice key, struct slice text, uint8_t mac[SCRAM_KEY_BYTES])
{
	uint8_t block[SCRAM_BLOCK_BYTES], inner[SCRAM_KEY_BYTES], hashed[SCRAM_KEY_BYTES];
	EVP_MD_CTX *ctx = scram_md() ? EVP_MD_CTX_new() : NULL;
	bool ok = ctx != NULL;
	if (ok && key.len > SCRAM_BLOCK_BYTES) {
		ok = scram_digest(ctx, key, SLICE_NONE, hashed);
		key = slice_make(hashed, SCRAM_KEY_BYTES);
	}
	if (ok) {
		scram_pad(key, 0x36, block);
		ok = scram_digest(ctx, slice_make(block, sizeof(block)), text, inner);
	}
	if (ok) {
		scram_pad(key, 0x5c, block);
		ok = scram_digest(ctx, slice_make(block, sizeof(block)),
				  slice_make(inner, sizeof(inner)), mac);
	}
	EVP_MD_CTX_free(ctx);
	mem_wipe(block, sizeof(block));
	mem_wipe(inner, sizeof(inner));
	mem_wipe(hashed, sizeof(hashed));
	return ok;
}

static bool scram_keyed(const uint8_t key[SCRAM_KEY_BYTES], struct slice text,
			uint8_t mac[SCRAM_KEY_BYTES])
{
	return scram_hmac(slice_make(key, SCRAM_KEY_BYTES), text, mac);
}

bool scram_hash(const uint8_t key[SCRAM_KEY_BYTES], uint8_t hash[SCRAM_KEY_BYTES])
{
	EVP_MD_CTX *ctx = scram_md() ? EVP_MD_CTX_new() : NULL;
	bool ok = ctx && scram_digest(ctx, slice_make(key, SCRAM_KEY_BYTES), SLICE_NONE, hash);
	EVP_MD_CTX_free(ctx);
	return ok;
}

bool scram_salt_password(struct slice password, struct slice salt, uint32_t iterations,
			 uint8_t salted[SCRAM_KEY_BYTES])
{
	BUG_ON(iterations < 1 || iterations > SCRAM_MAX_ITERATIONS);
	char *prepared = saslprep_password(password);
	size_t len = strlen(prepared);
	bool ok = PKCS5_PBKDF2_HMAC(prepared, (int)len, (const unsigned char *)salt.ptr,
				    (int)salt.len, (int)iterations, EVP_sha256(), SCRAM_KEY_BYTES,
				    salted) == 1;
	mem_wipe(prepared, len);
	free(prepared);
	return ok;
}

bool scram_derive_keys(const uint8_t salted[SCRAM_KEY_BYTES], struct scram_keys *keys)
{
	return scram_keyed(salted, SLICE("Client Key"), keys->client_key) &&
	       scram_keyed(salted, SLICE("Server Key"), keys->server_key) &&
	       scram_hash(keys->client_key, keys->stored_key);
}

bool scram_make_verifier(struct slice password, struct slice salt, uint32_t iterations,
			 struct scram_verifier *v)
{
	BUG_ON(salt.len > SCRAM_MAX_SALT_BYTES);
	uint8_t salted[SCRAM_KEY_BYTES];
	struct scram_keys keys;
	bool ok = scram_salt_password(password, salt, iterations, salted) &&
		  scram_derive_keys(salted, &keys);
	if (ok) {
		*v = (struct scram_verifier){ .iterations = iterations,
					      .salt_bytes = (uint32_t)salt.len };
		memcpy(v->salt, salt.ptr, salt.len);
		memcpy(v->stored_key, keys.stored_key, SCRAM_KEY_BYTES);
		memcpy(v->server_key, keys.server_key, SCRAM_KEY_BYTES);
	}
	mem_wipe(salted, sizeof(salted));
	mem_wipe(&keys, sizeof(keys));
	return ok;
}

bool scram_make_nonce(char nonce[SCRAM_NONCE_BYTES + 1])
{
	uint8_t raw[SCRAM_RAW_NONCE_BYTES];
	if (!entropy_take(raw, sizeof(raw)))
		return false;
	base64_encode(raw, sizeof(raw), nonce);
	return true;
}

bool scram_make_proof(const struct scram_keys *keys, struct slice auth_message,
		      uint8_t proof[SCRAM_KEY_BYTES])
{
	if (!scram_keyed(keys->stored_key, auth_message, proof))
		return false;
	for (size_t i = 0; i < SCRAM_KEY_BYTES; i++)
		proof[i] ^= keys->client_key[i];
	return true;
}

bool scram_make_signature(const uint8_t server_key[SCRAM_KEY_BYTES], struct slice auth_message,
			  uint8_t signature[SCRAM_KEY_BYTES])
{
	return scram_keyed(server_key, auth_message, signature);
}

bool scram_check_proof(const uint8_t stored_key[SCRAM_KEY_BYTES], struct slice auth_message,
		       const uint8_t proof[SCRAM_KEY_BYTES], uint8_t client_key[SCRAM_KEY_BYTES])
{
	uint8_t key[SCRAM_KEY_BYTES], hash[SCRAM_KEY_BYTES];
	bool ok = scram_keyed(stored_key, auth_message, key);
	if (ok) {
		for (size_t i = 0; i < SCRAM_KEY_BYTES; i++)
			key[i] ^= proof[i];
		ok = scram_hash(key, hash) && CRYPTO_memcmp(hash, stored_key, sizeof(hash)) == 0;
	}
	if (ok)
		memcpy(client_key, key, sizeof(key));
	mem_wipe(key, sizeof(key));
	return ok;
}

/* ---- grammar --------------------------------------------------------------------- */

bool scram_take_attribute(struct slice *text, char name, struct slice *value)
{
	if (text->len < 3 || text->ptr[1] != '=' || text->ptr[2] == ',')
		return false;
	char c = text->ptr[0];
	bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	if (!is_letter || (name && c != name))
		return false;

	const char *comma = memchr(text->ptr, ',', text->len);
	size_t n = comma ? (size_t)(comma - text->ptr) : text->len;
	if (memchr(text->ptr, '\0', n))
		return false;
	*value = slice_make(text->ptr + 2, n - 2);
	*text = slice_skip(*text, n);
	if (!comma)
		return true;
	*text = slice_skip(*text, 1);
	return text->len > 0; /* a comma announces another */
}

bool scram_is_nonce(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7e || text.ptr[i] == ',')
			return false;
	return text.len > 0 && text.len <= SCRAM_MAX_NONCE_BYTES;
}

bool scram_parse_iterations(struct slice text, uint32_t *iterations)
{
	if (text.len < 1 || text.len > 7 || text.ptr[0] == '0')
		return false;
	uint32_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(text.ptr[i] - '0');
	}
	*iterations = n;
	return n <= SCRAM_MAX_ITERATIONS;
}

/* What lies before the separator, taken off the front together with it. */
static bool scram_take_until(struct slice *text, char separator, struct slice *part)
{
	const char *at = text->len ? memchr(text->ptr, separator, text->len) : NULL;
	if (!at)
		return false;
	*part = slice_head(*text, (size_t)(at - text->ptr));
	*text = slice_skip(*text, part->len + 1);
	return true;
}

bool scram_parse_verifier(struct slice text, struct scram_verifier *v)
{
	struct slice mechanism, iterations, salt, stored;
	*v = (struct scram_verifier){ 0 };
	if (!scram_take_until(&text, '$', &mechanism) ||
	    !slice_eq_str(mechanism, SCRAM_MECHANISM) ||
	    !scram_take_until(&text, ':', &iterations) || !scram_take_until(&text, '$', &salt) ||
	    !scram_take_until(&text, ':', &stored))
		return false;

	ssize_t n = base64_decode(salt, v->salt, sizeof(v->salt));
	if (n < 1 || !scram_parse_iterations(iterations, &v->iterations))
		return false;
	v->salt_bytes = (uint32_t)n;
	return base64_decode(stored, v->stored_key, SCRAM_KEY_BYTES) == SCRAM_KEY_BYTES &&
	       base64_decode(text, v->server_key, SCRAM_KEY_BYTES) == SCRAM_KEY_BYTES;
}
