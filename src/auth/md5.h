/*
 * md5.h - PostgreSQL's md5 passwords, as the server keeps them and as they are sent.
 *
 * Kept: md5(password + user). Sent: "md5" + md5(kept + salt of 4 bytes), in hex.
 *
 * Thread: any.
 */
#ifndef AUTH_MD5_H
#define AUTH_MD5_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/slice.h"

#define MD5_HEX_BYTES 32
#define MD5_SALT_BYTES 4
#define MD5_ANSWER_BYTES (3 + MD5_HEX_BYTES)

/* Both end with a zero; false only when OpenSSL will not do MD5 (FIPS). */
bool md5_of_password(struct slice password, struct slice user,
		     char hex[MD5_HEX_BYTES + 1]) MUST_CHECK;
bool md5_answer(const char hex[MD5_HEX_BYTES], const uint8_t salt[MD5_SALT_BYTES],
		char answer[MD5_ANSWER_BYTES + 1]) MUST_CHECK;

#endif
