/*
 * skim.c - the pass over the bytes.
 *
 * Each step looks at one byte's class: a run of space, a word, a parenthesis and so on. What has
 * rules of its own (comments, dollar quotes, prefixed strings, every string where backslashes or
 * the encoding matter) is cut off by the lexer, one token of it.
 */
#include "sql/skim.h"

enum skim_class {
	CLASS_OTHER, /* says nothing but that it is a token: operators, commas */
	CLASS_SPACE,
	CLASS_WORD,
	CLASS_DIGIT,
	CLASS_OPEN,
	CLASS_CLOSE,
	CLASS_SEMI,
	CLASS_DOT,
	CLASS_QUOTE,
	CLASS_DOUBLE,
	CLASS_DOLLAR,
	CLASS_DASH,
	CLASS_SLASH,
};

#define IN_WORD 0x80 /* goes on with a word */
#define CLASS_MASK 0x7f

static const unsigned char classes[256] = {
	[' '] = CLASS_SPACE,
	['\t' ... '\r'] = CLASS_SPACE,
	['a' ... 'z'] = CLASS_WORD | IN_WORD,
	['A' ... 'Z'] = CLASS_WORD | IN_WORD,
	['_'] = CLASS_WORD | IN_WORD,
	[0x80 ... 0xff] = CLASS_WORD | IN_WORD,
	['0' ... '9'] = CLASS_DIGIT | IN_WORD,
	['('] = CLASS_OPEN,
	[')'] = CLASS_CLOSE,
	[';'] = CLASS_SEMI,
	['.'] = CLASS_DOT,
	['\''] = CLASS_QUOTE,
	['"'] = CLASS_DOUBLE,
	['$'] = CLASS_DOLLAR | IN_WORD,
	['-'] = CLASS_DASH,
	['/'] = CLASS_SLASH,
};

void skim_init(struct skim *skim, struct slice text, struct lexer_mode mode)
{
	*skim = (struct skim){ 0 };
	lexer_init(&skim->lex, text.ptr ? text : SLICE(""), mode);
}

/* A token that is neither space nor name was passed. */
static inline void note_other(struct skim *s)
{
	if (s->name.len > 0) {
		s->before2 = s->before;
		s->before = s->name;
		s->name.len = 0;
	}
	s->dot = false;
}

static inline void note_name(struct skim *s, const char *at, size_t len)
{
	if (s->dot) {
		s->qualifier = s->name;
		s->dot = false;
	} else {
		s->before2 = s->before;
		s->before = s->name;
		s->qualifier.len = 0;
	}
	s->name = slice_make(at, len);
}

/* U&"..." UESCAPE '!': with what the name is written, and what follows it, is not read. */
static bool has_own_escape(const struct lexer_token *t, struct lexer behind)
{
	if (t->kind != LEXER_QUOTED || t->text.ptr[0] == '"')
		return false;
	struct lexer_token next = lexer_next(&behind, NULL);
	return lexer_is_word(&next, "uescape");
}

/* One token by the lexer, which begins at `at`; gives what is behind it. */
static const char *one_token(struct skim *s, const char *at, const char *end)
{
	struct lexer lex = { .rest = slice_make(at, (size_t)(end - at)), .mode = s->lex.mode };
	struct lexer_token t = lexer_any(&lex);
	s->odd |= t.open || t.kind == LEXER_JUNK || has_own_escape(&t, lex);
	if (t.kind == LEXER_WORD || t.kind == LEXER_QUOTED)
		note_name(s, t.text.ptr, t.text.len);
	else if (t.kind != LEXER_SPACE && t.kind != LEXER_COMMENT)
		note_other(s);
	return lex.rest.ptr;
}

/* Does the word that ends here begin a string or a quoted identifier instead? */
static inline bool is_prefix(const char *word, const char *p, const char *end)
{
	if (p == end || p - word != 1)
		return false;
	if (*p == '\'')
		return memchr("eEnNbBxX", *word, 8) != NULL;
	return *p == '&' && (*word == 'u' || *word == 'U') && p + 1 < end &&
	       (p[1] == '\'' || p[1] == '"');
}

static const char *pass_word(struct skim *s, const char *at, const char *end)
{
	const char *p = at + 1;
	while (p < end && (classes[(unsigned char)*p] & IN_WORD))
		p++;
	if (is_prefix(at, p, end) || s->lex.mode.encoding != LEXER_ENCODING_PLAIN)
		return one_token(s, at, end);
	note_name(s, at, (size_t)(p - at));
	return p;
}

static const char *pass_digits(const char *p, const char *end)
{
	while (p < end && ((*p >= '0' && *p <= '9') || *p == '_'))
		p++;
	return p;
}

/* A number, and what is glued to it: servers before 15 read 1into as two tokens. */
static const char *pass_number(struct skim *s, const char *at, const char *end)
{
	if (s->lex.mode.encoding != LEXER_ENCODING_PLAIN)
		return one_token(s, at, end);
	const char *p = pass_digits(at, end);
	if (p < end && *p == '.' && !(p + 1 < end && p[1] == '.'))
		p = pass_digits(p + 1, end);
	if (p < end && (*p | 0x20) == 'e') {
		bool sign = p + 1 < end && (p[1] == '+' || p[1] == '-');
		const char *digits = p + 1 + sign;
		if (digits < end && *digits >= '0' && *digits <= '9')
			p = pass_digits(digits, end);
	}
	note_other(s);
	const char *glued = p;
	if (p == end || (classes[(unsigned char)*p] & CLASS_MASK) != CLASS_WORD)
		return p;
	while (p < end && (classes[(unsigned char)*p] & IN_WORD))
		p++;
	note_name(s, glued, (size_t)(p - glued));
	return p;
}

/* '...' in the usual mode: two quotes that stand for one are the end of a string and the begin of
 * another, which comes to the same. */
static const char *pass_string(struct skim *s, const char *at, const char *end)
{
	if (s->lex.mode.backslashes || s->lex.mode.encoding != LEXER_ENCODING_PLAIN)
		return one_token(s, at, end);
	note_other(s);
	const char *close = memchr(at + 1, '\'', (size_t)(end - at - 1));
	s->odd |= !close;
	return close ? close + 1 : end;
}

static const char *pass_quoted(struct skim *s, const char *at, const char *end)
{
	if (s->lex.mode.encoding != LEXER_ENCODING_PLAIN)
		return one_token(s, at, end);
	const char *p = at + 1;
	for (;;) {
		const char *close = memchr(p, '"', (size_t)(end - p));
		if (!close)
			return one_token(s, at, end);
		p = close + 1;
		if (p == end || *p != '"')
			break;
		p++;
	}
	note_name(s, at, (size_t)(p - at));
	return p;
}

static const char *pass_dollar(struct skim *s, const char *at, const char *end)
{
	const char *p = at + 1;
	if (p == end || *p < '0' || *p > '9')
		return one_token(s, at, end);
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	note_other(s);
	return p;
}

/* A dash or slash begins a comment or is an operator. */
static const char *pass_comment(struct skim *s, const char *at, const char *end)
{
	char second = *at == '-' ? '-' : '*';
	if (at + 1 < end && at[1] == second)
		return one_token(s, at, end);
	note_other(s);
	return at + 1;
}

static void pass_close(struct skim *s, const char *at)
{
	s->dot = false;
	note_name(s, at, 1);
	if (s->depth > 0)
		s->depth--;
}

static const char *pass_dot(struct skim *s, const char *at, const char *end)
{
	if (at + 1 < end && at[1] >= '0' && at[1] <= '9')
		return pass_number(s, at, end);
	if (at + 1 < end && at[1] == '.') {
		note_other(s);
		return at + 2;
	}
	bool after_name = s->name.len > 0 && s->name.ptr[0] != ')';
	if (!after_name)
		note_other(s);
	s->dot = after_name;
	return at + 1;
}

/* Is what was just passed the word? */
static inline bool is_word(const struct skim *s, struct slice word)
{
	return s->name.len == word.len && (s->name.ptr[0] | 0x20) == word.ptr[0] &&
	       slice_ieq(s->name, word);
}

static enum skim_stop stop(struct skim *s, const char *p, const char *end, enum skim_stop why)
{
	s->lex.rest = slice_make(p, (size_t)(end - p));
	return why;
}

/* Is the parenthesis behind a name? If not it is a token like others; if so it becomes one when the
 * caller has seen the name and goes on. */
static bool opens_call(struct skim *s)
{
	s->depth++;
	s->call = s->name.len > 0 && s->name.ptr[0] != ')';
	if (!s->call)
		note_other(s);
	return s->call;
}

enum skim_stop skim_next(struct skim *s)
{
	const char *p = s->lex.rest.ptr;
	const char *end = p + s->lex.rest.len;
	if (s->call) {
		note_other(s);
		s->call = false;
	}
	while (p < end) {
		const char *at = p++;
		switch ((enum skim_class)(classes[(unsigned char)*at] & CLASS_MASK)) {
		case CLASS_SPACE:
			break;
		case CLASS_WORD:
			p = pass_word(s, at, end);
			if (is_word(s, SLICE("into")))
				return stop(s, p, end, SKIM_INTO);
			if (is_word(s, SLICE("default")))
				return stop(s, p, end, SKIM_DEFAULT);
			if (is_word(s, SLICE("update")))
				return stop(s, p, end, SKIM_UPDATE);
			break;
		case CLASS_DIGIT:
			p = pass_number(s, at, end);
			if (is_word(s, SLICE("into")))
				return stop(s, p, end, SKIM_INTO);
			break;
		case CLASS_OTHER:
			note_other(s);
			break;
		case CLASS_OPEN:
			if (opens_call(s))
				return stop(s, p, end, SKIM_CALL);
			break;
		case CLASS_CLOSE:
			pass_close(s, at);
			break;
		case CLASS_SEMI:
			note_other(s);
			if (s->depth == 0)
				return stop(s, p, end, SKIM_SEMI);
			break;
		case CLASS_DOT:
			p = pass_dot(s, at, end);
			break;
		case CLASS_QUOTE:
			p = pass_string(s, at, end);
			break;
		case CLASS_DOUBLE:
			p = pass_quoted(s, at, end);
			break;
		case CLASS_DOLLAR:
			p = pass_dollar(s, at, end);
			break;
		case CLASS_DASH:
		case CLASS_SLASH:
			p = pass_comment(s, at, end);
			break;
		}
	}
	return stop(s, p, end, SKIM_END);
}
