/*
 * startup.h - the packets that a client may send before there are messages with types.
 *
 * A start-up packet is a length, a code and what belongs to it. Bounded as in PostgreSQL,
 * and checked wholly before anything of it is handed out.
 *
 * Owns nothing but the word that struct startup_options is at.
 * Thread: any.
 */
#ifndef WIRE_STARTUP_H
#define WIRE_STARTUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/slice.h"

#define STARTUP_MAX_BYTES 10004u /* the whole packet, its length included */
#define STARTUP_KEY_MIN_BYTES 4u
#define STARTUP_KEY_MAX_BYTES 256u

#define STARTUP_VERSION(major, minor) ((uint32_t)(major) << 16 | (uint32_t)(minor))
#define STARTUP_CODE_CANCEL STARTUP_VERSION(1234, 5678)
#define STARTUP_CODE_SSL STARTUP_VERSION(1234, 5679)
#define STARTUP_CODE_GSSENC STARTUP_VERSION(1234, 5680)

enum startup_kind {
	STARTUP_SSL,
	STARTUP_GSSENC,
	STARTUP_CANCEL,
	STARTUP_MESSAGE,         /* protocol 3, any minor version */
	STARTUP_UNKNOWN_VERSION, /* another major version: refuse it by name */
};

enum startup_error {
	STARTUP_BAD_LENGTH = -1,
	STARTUP_BAD_PARAMS = -2, /* not pairs of strings with one terminator as the last byte */
	STARTUP_BAD_CANCEL = -3,
};

struct startup {
	enum startup_kind kind;
	uint16_t major, minor;
	struct slice params; /* STARTUP_MESSAGE: name, 0, value, 0, ... without the terminator */
	uint32_t cancel_pid; /* STARTUP_CANCEL */
	struct slice cancel_key; /* STARTUP_CANCEL: 4 to 256 bytes */
};

/* >0: bytes of the packet, *out is filled; 0: more are needed; <0: an enum startup_error. */
int startup_read(struct slice in, struct startup *out) MUST_CHECK;

const char *startup_error_text(int error);

/* Does a TLS handshake begin here, without an SSLRequest before it? */
static inline bool startup_is_tls(struct slice in)
{
	return in.len > 0 && in.ptr[0] == 0x16;
}

/* The next pair, off the front of *params (a copy of startup.params); false at the end. */
bool startup_next(struct slice *params, struct slice *name, struct slice *value);

/* The value of a parameter; where it was given twice the last one, as in PostgreSQL. False
 * where it was not given. */
bool startup_get(const struct startup *s, const char *name, struct slice *value);

/*
 * What stands in the parameter `options`, split as PostgreSQL does it: words between white
 * space, a backslash takes the next character as it is.
 *
 *   struct startup_options it;
 *   struct startup_option opt;
 *   startup_options_init(&it, value);
 *   while (startup_options_next(&it, &opt)) ...
 *   startup_options_fini(&it);
 */
struct startup_options {
	struct slice rest;
	struct buf word; /* the current word without its backslashes; owned */
};

struct startup_option {
	bool is_setting; /* -c name=value, -cname=value or --name=value */
	/* A setting's name, '-' already turned into '_'; or else the word, which only a server
	 * that is starting a session can make something of. Both live until the next call. */
	struct slice name;
	struct slice value;
};

void startup_options_init(struct startup_options *it, struct slice value);
void startup_options_fini(struct startup_options *it);
bool startup_options_next(struct startup_options *it, struct startup_option *out);

#endif
