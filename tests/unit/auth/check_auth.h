/*
 * check_auth.h - the suites of src/auth, one per module, and what they share.
 */
#ifndef CHECK_AUTH_H
#define CHECK_AUTH_H

#include <check.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

Suite *suite_entropy(void);
Suite *suite_auth(void);
Suite *suite_authcache(void);
Suite *suite_authrow(void);
Suite *suite_authtries(void);
Suite *suite_base64(void);
Suite *suite_hba(void);
Suite *suite_ident(void);
Suite *suite_judge(void);
Suite *suite_ldapopts(void);
Suite *suite_md5(void);
Suite *suite_namepat(void);
Suite *suite_saslprep(void);
Suite *suite_scram(void);
Suite *suite_scram_client(void);
Suite *suite_scram_server(void);
Suite *suite_secret(void);
Suite *suite_userlist(void);

/* RFC 7677, section 3. */
#define RFC_CLIENT_NONCE "rOprNGfwEbeRWgbNEkqO"
#define RFC_SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define RFC_NONCE RFC_CLIENT_NONCE RFC_SERVER_NONCE
#define RFC_SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define RFC_CLIENT_FIRST_BARE "n=user,r=" RFC_CLIENT_NONCE
#define RFC_SERVER_FIRST "r=" RFC_NONCE ",s=" RFC_SALT ",i=4096"
#define RFC_CLIENT_FINAL_BARE "c=biws,r=" RFC_NONCE
#define RFC_PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define RFC_SIGNATURE "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
#define RFC_AUTH_MESSAGE RFC_CLIENT_FIRST_BARE "," RFC_SERVER_FIRST "," RFC_CLIENT_FINAL_BARE

/* What PostgreSQL 15 made of passwords. */
struct known {
	const char *password, *secret;
};
extern const struct known known_ascii[2]; /* "secret", "pencil" */
#define KNOWN_MD5_USER "alice"
#define KNOWN_MD5_PASSWORD "wonderland"
#define KNOWN_MD5 "md56b765adf84f3c4341e8aab77ceda3bf1"

/* Takes the first whole message off the front of b into `to` (cleared before), and its type. */
char peer_take(struct buf *b, struct buf *to);
/* The same of an 'R' message: its code; `to` gets what follows. Fails the test if it is none. */
uint32_t peer_take_auth(struct buf *b, struct buf *to);

#endif
