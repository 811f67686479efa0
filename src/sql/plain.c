/*
 * plain.c - sixteen bytes at a time where all of them are plain, by the compiler's vectors; one at
 * a time around strings, and where TO may be the end of INTO.
 */
#include "sql/plain.h"

#include <stdint.h>
#include <string.h>

#define PLAIN_BLOCK 16

typedef uint8_t plain_block __attribute__((vector_size(PLAIN_BLOCK)));

static const bool plain_bytes[256] = {
	[' '] = true,         ['\n'] = true,        ['\t'] = true, [','] = true,
	['*'] = true,         ['='] = true,         ['_'] = true,  ['a' ... 'z'] = true,
	['A' ... 'Z'] = true, ['0' ... '9'] = true,
};

static inline plain_block plain_load(const char *p)
{
	plain_block block;
	memcpy(&block, p, sizeof(block));
	return block;
}

/* Sixteen plain bytes without a t before an o? p[-1] can be read. */
static inline bool plain_is_block(const char *p)
{
	plain_block b = plain_load(p), low = b | 0x20, before = plain_load(p - 1) | 0x20;
	plain_block good = (plain_block)((plain_block)(low - 'a') < 26) |
			   (plain_block)((plain_block)(b - '0') < 10) | (plain_block)(b == ' ') |
			   (plain_block)(b == ',') | (plain_block)(b == '=') |
			   (plain_block)(b == '_') | (plain_block)(b == '*');
	good &= ~((plain_block)(low == 'o') & (plain_block)(before == 't'));
	uint64_t halves[2];
	memcpy(halves, &good, sizeof(halves));
	return (halves[0] & halves[1]) == UINT64_MAX;
}

/* Past blocks that are plain; the last may overlap the one before it. `p` is at least a block
 * behind `least`. */
static inline const char *plain_skip(const char *p, const char *end, const char *least)
{
	while (end - p >= PLAIN_BLOCK && plain_is_block(p))
		p += PLAIN_BLOCK;
	if (end - p < PLAIN_BLOCK && end - PLAIN_BLOCK >= least &&
	    plain_is_block(end - PLAIN_BLOCK))
		return end;
	return p;
}

/* '...' whose first quote is at p: behind it; NULL: it is not known to be read that way. */
static const char *plain_string(const char *p, const char *end, struct lexer_mode mode)
{
	if (mode.backslashes || mode.encoding != LEXER_ENCODING_PLAIN ||
	    ((p[-1] | 0x20) >= 'a' && (p[-1] | 0x20) <= 'z'))
		return NULL;
	const char *close = memchr(p + 1, '\'', (size_t)(end - p - 1));
	return close ? close + 1 : NULL;
}

/* SELECT and a space; the text has more bytes than these. */
static inline bool plain_begins(const char *text)
{
	uint64_t begin, want, capitals, rest;
	memcpy(&begin, text, sizeof(begin));
	memcpy(&want, "select \0", sizeof(want));
	memcpy(&capitals, "\x20\x20\x20\x20\x20\x20\0\0", sizeof(capitals));
	memcpy(&rest, "\0\0\0\0\0\0\0\xff", sizeof(rest));
	return ((begin | capitals) & ~rest) == want;
}

static inline bool plain_ends_into(const char *p)
{
	return (p[0] | 0x20) == 'o' && (p[-1] | 0x20) == 't' && (p[-2] | 0x20) == 'n' &&
	       (p[-3] | 0x20) == 'i';
}

/* Behind one byte, string or parameter; NULL: it is not plain. */
static inline const char *plain_step(const char *p, const char *end, struct lexer_mode mode)
{
	if (*p == '\'')
		return plain_string(p, end, mode);
	if (*p == '$' && p + 1 < end && p[1] >= '0' && p[1] <= '9')
		return p + 2;
	return plain_bytes[(uint8_t)*p] && !plain_ends_into(p) ? p + 1 : NULL;
}

bool plain_is_select(struct slice sql, struct lexer_mode mode)
{
	const size_t head = strlen("select ");
	if (sql.len <= head || !plain_begins(sql.ptr))
		return false;
	const char *end = sql.ptr + sql.len;
	if (end[-1] == ';')
		end--;
	const char *p = sql.ptr + head;
	while (p < end) {
		p = plain_skip(p, end, sql.ptr + 1);
		const char *stop = end - p > PLAIN_BLOCK ? p + PLAIN_BLOCK : end;
		while (p && p < stop)
			p = plain_step(p, end, mode);
		if (!p)
			return false;
	}
	return true;
}
