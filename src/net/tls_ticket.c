/*
 * tls_ticket.c - two keys: one that seals, and the one before it, which opens only.
 *
 * A key seals for as long as a ticket is good; so what the one before has sealed has run out when
 * that is forgotten.
 */
#include "net/tls_ticket.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/mem.h"
#include "base/usec.h"
#include "base/vault.h"

#define TLS_TICKET_NAME_BYTES 16 /* as OpenSSL has it */

struct tls_ticket_key {
	unsigned char name[TLS_TICKET_NAME_BYTES];
	unsigned char cipher[32], mac[32];
	usec_t born; /* 0: there is none */
};

struct tls_ticket_keys {
	atomic_uint refs;
	pthread_mutex_t lock; /* over what follows */
	struct tls_ticket_key seals, before;
};

static bool tls_ticket_key_make(struct tls_ticket_key *key)
{
	key->born = usec_now();
	return RAND_bytes(key->name, sizeof(key->name)) == 1 &&
	       RAND_priv_bytes(key->cipher, sizeof(key->cipher)) == 1 &&
	       RAND_priv_bytes(key->mac, sizeof(key->mac)) == 1;
}

struct tls_ticket_keys *tls_ticket_keys_new(void)
{
	struct tls_ticket_keys *keys = vault_alloc(sizeof(*keys));
	if (!tls_ticket_key_make(&keys->seals)) {
		vault_free(keys);
		return NULL;
	}
	atomic_init(&keys->refs, 1);
	pthread_mutex_init(&keys->lock, NULL);
	return keys;
}

struct tls_ticket_keys *tls_ticket_keys_ref(struct tls_ticket_keys *keys)
{
	atomic_fetch_add(&keys->refs, 1);
	return keys;
}

void tls_ticket_keys_unref(struct tls_ticket_keys *keys)
{
	if (!keys || atomic_fetch_sub(&keys->refs, 1) > 1)
		return;
	pthread_mutex_destroy(&keys->lock);
	vault_free(keys);
}

/* The key that seals grows old. Without randomness the old one stays. Under the lock. */
static void tls_ticket_renew(struct tls_ticket_keys *keys)
{
	struct tls_ticket_key fresh = { .born = 0 };
	usec_t now = usec_now(), age = now - keys->seals.born;
	if (age >= TLS_TICKET_SECONDS * USEC_PER_SEC && tls_ticket_key_make(&fresh)) {
		keys->before = keys->seals;
		keys->seals = fresh;
	}
	if (keys->before.born && now - keys->before.born >= 2 * TLS_TICKET_SECONDS * USEC_PER_SEC)
		mem_wipe(&keys->before, sizeof(keys->before));
	mem_wipe(&fresh, sizeof(fresh));
}

/* A copy of the key that seals (name NULL), or of the one of that name. */
static bool tls_ticket_find(struct tls_ticket_keys *keys, const unsigned char *name,
			    struct tls_ticket_key *out, bool *is_old)
{
	pthread_mutex_lock(&keys->lock);
	tls_ticket_renew(keys);
	const struct tls_ticket_key *found = NULL;
	*is_old = false;
	if (!name || memcmp(name, keys->seals.name, TLS_TICKET_NAME_BYTES) == 0)
		found = &keys->seals;
	else if (keys->before.born && memcmp(name, keys->before.name, TLS_TICKET_NAME_BYTES) == 0)
		found = &keys->before;
	if (found)
		*out = *found;
	*is_old = found == &keys->before;
	pthread_mutex_unlock(&keys->lock);
	return found != NULL;
}

static bool tls_ticket_arm_mac(EVP_MAC_CTX *mac, struct tls_ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* OpenSSL's callback. 1: done; 2: opened, but a new ticket is to be given; 0: not ours, so that
 * there is a full handshake; -1: nothing goes. */
static int tls_ticket_on_key(SSL *ssl, unsigned char *name, unsigned char *iv,
			     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seals)
{
	struct tls_ticket_keys *keys = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const EVP_CIPHER *aes = EVP_aes_256_cbc();
	struct tls_ticket_key key;
	bool is_old, ok;
	if (!tls_ticket_find(keys, seals ? NULL : name, &key, &is_old))
		return 0;
	if (seals) {
		memcpy(name, key.name, sizeof(key.name));
		ok = RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) == 1 &&
		     EVP_EncryptInit_ex(cipher, aes, NULL, key.cipher, iv) == 1;
	} else {
		ok = EVP_DecryptInit_ex(cipher, aes, NULL, key.cipher, iv) == 1;
	}
	ok = ok && tls_ticket_arm_mac(mac, &key);
	mem_wipe(&key, sizeof(key));
	return !ok ? -1 : is_old ? 2 : 1;
}

void tls_ticket_use(struct ssl_ctx_st *ctx, struct tls_ticket_keys *keys)
{
	SSL_CTX_set_app_data(ctx, keys);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, tls_ticket_on_key);
	SSL_CTX_set_timeout(ctx, TLS_TICKET_SECONDS);
}
