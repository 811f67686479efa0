/*
 * scram.h - the arithmetic of SCRAM-SHA-256 (RFC 5802, RFC 7677).
 *
 * Keys, verifiers, proofs and signatures, and the small grammar that both sides'
 * messages share. It knows no direction: auth.c speaks as the server, scram_client.c as
 * the client. What is secret in these structs is wiped by their owner (mem_wipe).
 *
 * Thread: any. scram_salt_password takes milliseconds: helper threads.
 */
#ifndef AUTH_SCRAM_H
#define AUTH_SCRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/slice.h"

#define SCRAM_MECHANISM "SCRAM-SHA-256"
#define SCRAM_MECHANISM_PLUS "SCRAM-SHA-256-PLUS"
#define SCRAM_BINDING "tls-server-end-point" /* the one kind of channel binding we know */
#define SCRAM_MAX_BINDING_BYTES 64           /* of SHA-512 */
#define SCRAM_KEY_BYTES 32
#define SCRAM_SALT_BYTES 16 /* of the salts that we make */
#define SCRAM_MAX_SALT_BYTES 128
#define SCRAM_ITERATIONS 4096 /* of the verifiers that we make */
#define SCRAM_MAX_ITERATIONS 1000000
#define SCRAM_NONCE_BYTES 24 /* the text of the nonces that we make, without its zero */
#define SCRAM_MAX_NONCE_BYTES 512
#define SCRAM_MAX_MESSAGE_BYTES 4096
#define SCRAM_KEY_TEXT_BYTES 44 /* a key in base64 */

/* What a login with SCRAM leaves in our hands; enough to log in elsewhere with the same secret. */
struct scram_keys {
	uint8_t client_key[SCRAM_KEY_BYTES];
	uint8_t stored_key[SCRAM_KEY_BYTES]; /* H(client_key) */
	uint8_t server_key[SCRAM_KEY_BYTES];
};

/* What a server keeps of a password. */
struct scram_verifier {
	uint32_t iterations;
	uint32_t salt_bytes;
	uint8_t salt[SCRAM_MAX_SALT_BYTES];
	uint8_t stored_key[SCRAM_KEY_BYTES];
	uint8_t server_key[SCRAM_KEY_BYTES];
};

/*
 * All of these: false only when OpenSSL fails. An auth_message is client-first-bare,
 * server-first and client-final-without-proof, with commas between.
 */
bool scram_salt_password(struct slice password, struct slice salt, uint32_t iterations,
			 uint8_t salted[SCRAM_KEY_BYTES]) MUST_CHECK; /* applies SASLprep */
bool scram_derive_keys(const uint8_t salted[SCRAM_KEY_BYTES], struct scram_keys *keys) MUST_CHECK;
bool scram_make_verifier(struct slice password, struct slice salt, uint32_t iterations,
			 struct scram_verifier *v) MUST_CHECK;
bool scram_make_nonce(char nonce[SCRAM_NONCE_BYTES + 1]) MUST_CHECK;
bool scram_make_proof(const struct scram_keys *keys, struct slice auth_message,
		      uint8_t proof[SCRAM_KEY_BYTES]) MUST_CHECK;
bool scram_make_signature(const uint8_t server_key[SCRAM_KEY_BYTES], struct slice auth_message,
			  uint8_t signature[SCRAM_KEY_BYTES]) MUST_CHECK;
bool scram_hash(const uint8_t key[SCRAM_KEY_BYTES], uint8_t hash[SCRAM_KEY_BYTES]) MUST_CHECK;
bool scram_hmac(struct slice key, struct slice text, uint8_t mac[SCRAM_KEY_BYTES]) MUST_CHECK;

/* Whether the proof is right; fills in client_key where it is. Constant time. */
bool scram_check_proof(const uint8_t stored_key[SCRAM_KEY_BYTES], struct slice auth_message,
		       const uint8_t proof[SCRAM_KEY_BYTES],
		       uint8_t client_key[SCRAM_KEY_BYTES]) MUST_CHECK;

/* "SCRAM-SHA-256$iterations:salt$stored:server" to a verifier; false where it is not one. */
bool scram_parse_verifier(struct slice text, struct scram_verifier *v) MUST_CHECK;

/*
 * Takes "x=value" and the comma behind it off the front of *text; false where there is
 * none, or it is not well formed. name 0 takes any letter.
 */
bool scram_take_attribute(struct slice *text, char name, struct slice *value) MUST_CHECK;
bool scram_is_nonce(struct slice text) MUST_CHECK;

/* 1 to SCRAM_MAX_ITERATIONS, in digits. */
bool scram_parse_iterations(struct slice text, uint32_t *iterations) MUST_CHECK;

#endif
