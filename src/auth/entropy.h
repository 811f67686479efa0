/*
 * entropy.h - bytes that nobody can guess, for what every login needs some of: nonces, salts,
 * cancel keys.
 *
 * OpenSSL's generator is asked for many at a time, as each question to it costs far more than a few
 * bytes do. What was given out is wiped.
 *
 * Not for keys that outlive a login: those are to be asked of OpenSSL itself.
 *
 * Thread: any, each with a store of its own.
 */
#ifndef AUTH_ENTROPY_H
#define AUTH_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bug.h"

/* False: the system has none to give. */
bool entropy_take(void *out, size_t n) MUST_CHECK;

#endif
