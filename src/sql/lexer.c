/*
 * lexer.c - PostgreSQL 15's scan.l as a function from a slice to its first token.
 *
 * Where newer servers read more (0x1f, 1_000) the number is one token too: letters and digits
 * behind a number always belong to it.
 */
#include "sql/lexer.h"

#include "base/bug.h"

#define CLASS_SPACE 0x01
#define CLASS_WORD 0x02 /* begins a word */
#define CLASS_DIGIT 0x04
#define CLASS_OPERATOR 0x08
#define CLASS_PUNCT 0x10
#define CLASS_QUALIFIES 0x20 /* lets an operator end in + or - */

/* Longer operators are refused by the server, so that no more of a run needs to be looked at. */
#define OPERATOR_MAX_BYTES 64

#define OP CLASS_OPERATOR
#define OPQ (CLASS_OPERATOR | CLASS_QUALIFIES)

static const unsigned char classes[256] = {
	['\t'] = CLASS_SPACE,
	['\n'] = CLASS_SPACE,
	['\v'] = CLASS_SPACE,
	['\f'] = CLASS_SPACE,
	['\r'] = CLASS_SPACE,
	[' '] = CLASS_SPACE,
	['a' ... 'z'] = CLASS_WORD,
	['A' ... 'Z'] = CLASS_WORD,
	['_'] = CLASS_WORD,
	[0x80 ... 0xff] = CLASS_WORD,
	['0' ... '9'] = CLASS_DIGIT,
	['('] = CLASS_PUNCT,
	[')'] = CLASS_PUNCT,
	['['] = CLASS_PUNCT,
	[']'] = CLASS_PUNCT,
	[','] = CLASS_PUNCT,
	[';'] = CLASS_PUNCT,
	['.'] = CLASS_PUNCT,
	[':'] = CLASS_PUNCT,
	['+'] = OP,
	['-'] = OP,
	['*'] = OP,
	['/'] = OP,
	['<'] = OP,
	['>'] = OP,
	['='] = OP,
	['~'] = OPQ,
	['!'] = OPQ,
	['@'] = OPQ,
	['#'] = OPQ,
	['^'] = OPQ,
	['&'] = OPQ,
	['|'] = OPQ,
	['`'] = OPQ,
	['?'] = OPQ,
	['%'] = OPQ,
};

#define LEXER_KIND_NAME_(kind, name) [LEXER_##kind] = name,
static const char *const kind_names[] = { LEXER_KINDS(LEXER_KIND_NAME_) };

const char *lexer_kind_name(enum lexer_kind kind)
{
	BUG_ON(kind >= LEXER_KIND_COUNT);
	return kind_names[kind];
}

enum lexer_encoding lexer_encoding_of(struct slice client_encoding)
{
	static const char *const paired[] = { "BIG5", "GBK", "GB18030", "UHC", "JOHAB" };
	static const char *const sjis[] = { "SJIS", "SHIFT_JIS_2004" };
	for (size_t i = 0; i < COUNT_OF(paired); i++)
		if (slice_ieq_str(client_encoding, paired[i]))
			return LEXER_ENCODING_PAIRED;
	for (size_t i = 0; i < COUNT_OF(sjis); i++)
		if (slice_ieq_str(client_encoding, sjis[i]))
			return LEXER_ENCODING_SJIS;
	return LEXER_ENCODING_PLAIN;
}

void lexer_init(struct lexer *lex, struct slice text, struct lexer_mode mode)
{
	*lex = (struct lexer){ .rest = text, .mode = mode };
}

/* Is there a byte i, and is it of this class (this byte)? */
static bool in_class(struct slice s, size_t i, unsigned char class)
{
	return i < s.len && (classes[(unsigned char)s.ptr[i]] & class);
}

static bool is_byte(struct slice s, size_t i, char c)
{
	return i < s.len && s.ptr[i] == c;
}

/* How far to go past the character at i, which exists. */
static size_t char_bytes(struct slice s, size_t i, enum lexer_encoding encoding)
{
	unsigned char c = (unsigned char)s.ptr[i];
	if (c < 0x81 || encoding == LEXER_ENCODING_PLAIN || i + 1 == s.len)
		return 1;
	if (encoding == LEXER_ENCODING_SJIS && c >= 0xa1 && c <= 0xdf)
		return 1;
	return 2;
}

static size_t class_end(struct slice s, size_t i, unsigned char class)
{
	while (in_class(s, i, class))
		i++;
	return i;
}

/* ---- space and comments ---------------------------------------------------- */

static size_t line_comment_end(struct slice s, size_t i)
{
	while (i < s.len && s.ptr[i] != '\n' && s.ptr[i] != '\r')
		i++;
	return i;
}

static size_t block_comment_end(struct slice s, bool *open)
{
	size_t depth = 1;
	size_t i = 2;
	while (i + 1 < s.len) {
		if (s.ptr[i] == '/' && s.ptr[i + 1] == '*') {
			depth++;
			i += 2;
		} else if (s.ptr[i] == '*' && s.ptr[i + 1] == '/') {
			i += 2;
			if (--depth == 0)
				return i;
		} else {
			i++;
		}
	}
	*open = true;
	return s.len;
}

static bool is_comment(struct slice s, size_t i)
{
	return (is_byte(s, i, '-') && is_byte(s, i + 1, '-')) ||
	       (is_byte(s, i, '/') && is_byte(s, i + 1, '*'));
}

/* ---- words and numbers ------------------------------------------------------ */

static size_t word_end(struct slice s, size_t i, enum lexer_encoding encoding, bool dollars)
{
	while (in_class(s, i, CLASS_WORD | CLASS_DIGIT) || (dollars && is_byte(s, i, '$')))
		i += char_bytes(s, i, encoding);
	return i;
}

static size_t digits_end(struct slice s, size_t i)
{
	while (in_class(s, i, CLASS_DIGIT) || is_byte(s, i, '_'))
		i++;
	return i;
}

static size_t number_end(struct slice s, enum lexer_encoding encoding)
{
	size_t i = digits_end(s, 0);
	if (is_byte(s, i, '.') && !is_byte(s, i + 1, '.'))
		i = digits_end(s, i + 1);
	if (is_byte(s, i, 'e') || is_byte(s, i, 'E')) {
		size_t sign = is_byte(s, i + 1, '+') || is_byte(s, i + 1, '-');
		if (in_class(s, i + 1 + sign, CLASS_DIGIT))
			i = digits_end(s, i + 1 + sign);
	}
	if (in_class(s, i, CLASS_WORD))
		i = word_end(s, i, encoding, true);
	return i;
}

static uint32_t param_number(struct slice digits)
{
	uint64_t n = 0;
	for (size_t i = 0; in_class(digits, i, CLASS_DIGIT) && n <= UINT32_MAX; i++)
		n = n * 10 + (uint64_t)(digits.ptr[i] - '0');
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* ---- strings ------------------------------------------------------------------ */

/* From behind an opening quote to behind the one that closes. A quote written twice is one of the
 * text, but not in B'...' and X'...'. */
static size_t quoted_end(struct slice s, size_t i, struct lexer_mode mode, bool bits, bool *open)
{
	char quote = s.ptr[i - 1];
	while (i < s.len) {
		if (s.ptr[i] == quote) {
			if (bits || !is_byte(s, i + 1, quote))
				return i + 1;
			i += 2;
			continue;
		}
		if (s.ptr[i] == '\\' && mode.backslashes && ++i == s.len)
			break;
		i += char_bytes(s, i, mode.encoding);
	}
	*open = true;
	return s.len;
}

/* A string goes on in the next line: behind the quote that it goes on with, or 0 if it does not. */
static size_t string_continues(struct slice s, size_t i)
{
	bool newline = false;
	for (;;) {
		newline |= is_byte(s, i, '\n') || is_byte(s, i, '\r');
		if (is_byte(s, i, '-') && is_byte(s, i + 1, '-'))
			i = line_comment_end(s, i);
		else if (in_class(s, i, CLASS_SPACE))
			i++;
		else
			break;
	}
	return newline && is_byte(s, i, '\'') ? i + 1 : 0;
}

static size_t string_end(struct slice s, size_t i, struct lexer_mode mode, bool bits, bool *open)
{
	for (;;) {
		i = quoted_end(s, i, mode, bits, open);
		size_t next = *open ? 0 : string_continues(s, i);
		if (next == 0)
			return i;
		i = next;
	}
}

/* $tag$: its length, or 0 where it is none. */
static size_t dollar_tag_end(struct slice s, enum lexer_encoding encoding)
{
	size_t i = 1;
	if (in_class(s, i, CLASS_WORD))
		i = word_end(s, i, encoding, false);
	return is_byte(s, i, '$') ? i + 1 : 0;
}

static size_t dollar_end(struct slice s, size_t tag, bool *open)
{
	const char *close = memmem(s.ptr + tag, s.len - tag, s.ptr, tag);
	if (close)
		return (size_t)(close - s.ptr) + tag;
	*open = true;
	return s.len;
}

/* A word that is glued to a quote and makes a literal of it: its length up to and with the quote.
 */
static size_t string_prefix(struct slice s, enum lexer_kind *kind, struct lexer_mode *mode)
{
	if (is_byte(s, 1, '\'') && strchr("eEnNbBxX", s.ptr[0])) {
		bool bits = strchr("bBxX", s.ptr[0]) != NULL;
		*kind = bits ? LEXER_BITS : LEXER_STRING;
		if (strchr("nN", s.ptr[0]) == NULL)
			mode->backslashes = !bits;
		return 2;
	}
	if ((s.ptr[0] != 'u' && s.ptr[0] != 'U') || !is_byte(s, 1, '&'))
		return 0;
	mode->backslashes = false;
	*kind = is_byte(s, 2, '"') ? LEXER_QUOTED : LEXER_STRING;
	return is_byte(s, 2, '"') || is_byte(s, 2, '\'') ? 3 : 0;
}

/* ---- operators -------------------------------------------------------------------- */

static size_t operator_end(struct slice s)
{
	size_t n = 0;
	bool qualifies = false;
	while (n < OPERATOR_MAX_BYTES && in_class(s, n, CLASS_OPERATOR) && !is_comment(s, n))
		n++;
	for (size_t i = 0; i + 1 < n && !qualifies; i++)
		qualifies = in_class(s, i, CLASS_QUALIFIES);
	while (n > 1 && !qualifies && (s.ptr[n - 1] == '+' || s.ptr[n - 1] == '-'))
		n--;
	return n;
}

static size_t punct_end(struct slice s)
{
	if (s.ptr[0] == '.')
		return is_byte(s, 1, '.') ? 2 : 1;
	if (s.ptr[0] == ':')
		return is_byte(s, 1, ':') || is_byte(s, 1, '=') ? 2 : 1;
	return 1;
}

/* ---- tokens ------------------------------------------------------------------------ */

static size_t scan_word(struct slice s, struct lexer_mode mode, struct lexer_token *t)
{
	t->kind = LEXER_WORD;
	enum lexer_kind kind = LEXER_WORD;
	struct lexer_mode inner = mode;
	size_t quote = string_prefix(s, &kind, &inner);
	if (quote == 0)
		return word_end(s, 0, mode.encoding, true);
	t->kind = kind;
	if (kind == LEXER_QUOTED)
		return quoted_end(s, quote, inner, false, &t->open);
	return string_end(s, quote, inner, kind == LEXER_BITS, &t->open);
}

static size_t scan_dollar(struct slice s, struct lexer_mode mode, struct lexer_token *t)
{
	if (in_class(s, 1, CLASS_DIGIT)) {
		t->kind = LEXER_PARAM;
		t->param = param_number(slice_skip(s, 1));
		size_t digits = class_end(s, 1, CLASS_DIGIT);
		return in_class(s, digits, CLASS_WORD) ? word_end(s, digits, mode.encoding, true)
						       : digits;
	}
	size_t tag = dollar_tag_end(s, mode.encoding);
	t->kind = tag ? LEXER_DOLLAR : LEXER_JUNK;
	return tag ? dollar_end(s, tag, &t->open) : 1;
}

static size_t scan_operator(struct slice s, struct lexer_token *t)
{
	if (is_comment(s, 0)) {
		t->kind = LEXER_COMMENT;
		return s.ptr[0] == '-' ? line_comment_end(s, 0) : block_comment_end(s, &t->open);
	}
	size_t n = operator_end(s);
	bool arrow = n == 2 && s.ptr[0] == '=' && s.ptr[1] == '>';
	t->kind = arrow ? LEXER_PUNCT : LEXER_OPERATOR;
	return n;
}

static size_t scan_quote(struct slice s, struct lexer_mode mode, struct lexer_token *t)
{
	if (s.ptr[0] == '\'') {
		t->kind = LEXER_STRING;
		return string_end(s, 1, mode, false, &t->open);
	}
	mode.backslashes = false;
	t->kind = LEXER_QUOTED;
	return quoted_end(s, 1, mode, false, &t->open);
}

static size_t scan(struct slice s, struct lexer_mode mode, struct lexer_token *t)
{
	unsigned char class = classes[(unsigned char)s.ptr[0]];
	if (class & CLASS_SPACE) {
		t->kind = LEXER_SPACE;
		return class_end(s, 0, CLASS_SPACE);
	}
	if (class & CLASS_WORD)
		return scan_word(s, mode, t);
	if ((class & CLASS_DIGIT) || (s.ptr[0] == '.' && in_class(s, 1, CLASS_DIGIT))) {
		t->kind = LEXER_NUMBER;
		return number_end(s, mode.encoding);
	}
	if (class & CLASS_OPERATOR)
		return scan_operator(s, t);
	if (class & CLASS_PUNCT) {
		t->kind = LEXER_PUNCT;
		return punct_end(s);
	}
	if (s.ptr[0] == '\'' || s.ptr[0] == '"')
		return scan_quote(s, mode, t);
	if (s.ptr[0] == '$')
		return scan_dollar(s, mode, t);
	t->kind = LEXER_JUNK;
	return 1;
}

struct lexer_token lexer_any(struct lexer *lex)
{
	struct lexer_token t = { .kind = LEXER_END, .text = slice_head(lex->rest, 0) };
	if (lex->rest.len == 0)
		return t;
	size_t n = scan(lex->rest, lex->mode, &t);
	BUG_ON(n == 0 || n > lex->rest.len);
	t.text = slice_head(lex->rest, n);
	lex->rest = slice_skip(lex->rest, n);
	return t;
}

struct lexer_token lexer_next(struct lexer *lex, bool *gap)
{
	bool skipped = false;
	struct lexer_token t = lexer_any(lex);
	while (t.kind == LEXER_SPACE || t.kind == LEXER_COMMENT) {
		skipped = true;
		t = lexer_any(lex);
	}
	if (gap)
		*gap = skipped;
	return t;
}

bool lexer_is_literal(const struct lexer_token *t)
{
	switch (t->kind) {
	case LEXER_NUMBER:
	case LEXER_STRING:
	case LEXER_BITS:
	case LEXER_DOLLAR:
		return true;
	case LEXER_END:
	case LEXER_SPACE:
	case LEXER_COMMENT:
	case LEXER_WORD:
	case LEXER_QUOTED:
	case LEXER_PARAM:
	case LEXER_OPERATOR:
	case LEXER_PUNCT:
	case LEXER_JUNK:
	case LEXER_KIND_COUNT:
		break;
	}
	return false;
}
