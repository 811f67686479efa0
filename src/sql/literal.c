/*
 * literal.c - identifiers folded and cut, strings without their quotes and escapes.
 *
 * What cannot be read with certainty is refused, not guessed.
 */
#include "sql/literal.h"

#include <stdint.h>

bool literal_is_obscure(struct slice text, struct lexer_mode mode)
{
	if (mode.encoding == LEXER_ENCODING_PLAIN)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80)
			return true;
	return false;
}

/* ---- identifiers ------------------------------------------------------------ */

/* At most 63 bytes, and no half of a character behind them. */
static size_t cut(const char *name, size_t len)
{
	if (len < LITERAL_NAME_BYTES)
		return len;
	size_t n = LITERAL_NAME_BYTES - 1;
	while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t read_word(struct slice word, char out[LITERAL_NAME_BYTES])
{
	size_t n = cut(word.ptr, word.len);
	for (size_t i = 0; i < n; i++)
		out[i] = fold(word.ptr[i]);
	return n;
}

/* One byte more than fits is kept, for cut() to look at. */
static size_t read_quoted(struct slice inner, char out[LITERAL_NAME_BYTES])
{
	char name[LITERAL_NAME_BYTES + 1];
	size_t n = 0;
	for (size_t i = 0; i < inner.len && n < sizeof(name); i++) {
		name[n++] = inner.ptr[i];
		if (inner.ptr[i] == '"')
			i++; /* the second of two */
	}
	n = cut(name, n);
	memcpy(out, name, n);
	return n;
}

size_t literal_name(const struct lexer_token *token, char out[LITERAL_NAME_BYTES])
{
	struct slice text = token->text;
	size_t n = 0;
	if (token->kind == LEXER_WORD)
		n = read_word(text, out);
	else if (token->kind == LEXER_QUOTED && !token->open && text.ptr[0] == '"')
		n = read_quoted(slice_make(text.ptr + 1, text.len - 2), out);
	out[n] = '\0';
	return n;
}

/* ---- strings ------------------------------------------------------------------ */

static void add(struct buf *out, const char *bytes, size_t n)
{
	if (out)
		buf_add(out, bytes, n);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = fold(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* \o, \oo, \ooo and \xh, \xhh: what is behind the backslash. Gives how many bytes, 0: unreadable.
 */
static size_t read_number(struct slice s, char *byte)
{
	bool hex = s.ptr[0] == 'x';
	int base = hex ? 16 : 8;
	size_t i = hex;
	int n = 0;
	for (; i < 3 && i < s.len && digit(s.ptr[i]) < base; i++)
		n = n * base + digit(s.ptr[i]);
	*byte = (char)n;
	/* a byte beyond ASCII is half of a character, which the server may refuse */
	return i == (size_t)hex || n == 0 || n >= 0x80 ? 0 : i;
}

/* What is behind a backslash: how many bytes of it, 0: unreadable. */
static size_t read_escape(struct slice s, char *byte)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	if (s.len == 0 || s.ptr[0] == 'u' || s.ptr[0] == 'U')
		return 0;
	const char *at = memchr(from, s.ptr[0], sizeof(from) - 1);
	*byte = at ? to[at - from] : s.ptr[0];
	if (s.ptr[0] == 'x' || (s.ptr[0] >= '0' && s.ptr[0] <= '7'))
		return read_number(s, byte);
	return 1;
}

/* Behind what lies between two pieces of one string; s.len where nothing follows. */
static size_t skip_between(struct slice s, size_t i)
{
	while (i < s.len && s.ptr[i] != '\'') {
		if (s.ptr[i] == '-')
			while (i < s.len && s.ptr[i] != '\n' && s.ptr[i] != '\r')
				i++;
		else
			i++;
	}
	return i;
}

/* From behind the first quote to the end of the token. */
static bool read_pieces(struct slice s, bool backslashes, struct buf *out)
{
	for (size_t i = 0; i < s.len;) {
		char byte = s.ptr[i];
		size_t used = 1;
		if (byte == '\0')
			return false;
		if (byte == '\'' && (i + 1 == s.len || s.ptr[i + 1] != '\'')) {
			i = skip_between(s, i + 1) + 1;
			continue;
		}
		if (byte == '\'') {
			used = 2;
		} else if (byte == '\\' && backslashes) {
			used = 1 + read_escape(slice_skip(s, i + 1), &byte);
			if (used == 1)
				return false;
		}
		add(out, &byte, 1);
		i += used;
	}
	return true;
}

static bool read_dollar(struct slice s, struct buf *out)
{
	size_t tag = 1;
	while (s.ptr[tag] != '$')
		tag++;
	tag++;
	struct slice inner = slice_make(s.ptr + tag, s.len - 2 * tag);
	if (memchr(inner.ptr, '\0', inner.len))
		return false;
	add(out, inner.ptr, inner.len);
	return true;
}

bool literal_string(const struct lexer_token *token, struct lexer_mode mode, struct buf *out)
{
	struct slice s = token->text;
	if (token->open || literal_is_obscure(s, mode))
		return false;
	if (token->kind == LEXER_DOLLAR)
		return read_dollar(s, out);
	if (token->kind != LEXER_STRING || fold(s.ptr[0]) == 'u')
		return false;
	bool escapes = fold(s.ptr[0]) == 'e';
	struct slice rest = slice_skip(s, s.ptr[0] == '\'' ? 1 : 2);
	size_t before = out ? buf_len(out) : 0;
	/* N'...' reads as '...' does */
	if (read_pieces(rest, escapes || mode.backslashes, out))
		return true;
	if (out)
		buf_truncate(out, before);
	return false;
}
