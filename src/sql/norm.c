/*
 * norm.c - token by token from a text to its normal form.
 *
 * One pass finds the highest parameter, one writes. Where a list of values begins (normlist.h)
 * the writer learns where its first value ends, and jumps from there to where the list does.
 */
#include "sql/norm.h"

#include <stdint.h>

#include "base/bug.h"
#include "sql/normlist.h"

#define MARK "..."
#define MARK_BYTES (sizeof(MARK)) /* a space, and the dots */
#define MAX_BYTES_MIN 16

/* Where an unquoted word is the value of a setting. */
enum norm_set {
	SET_NO,    /* not in SET, nor in ALTER ... SET */
	SET_NAME,  /* behind SET: a name, and then = or TO */
	SET_VALUE, /* behind =, TO or a comma: a value */
	SET_COMMA, /* behind a value: a comma before the next one */
};

struct norm {
	struct lexer lex;
	struct buf *out;
	size_t base; /* what was in `out` before */
	size_t fits; /* so much of `out` leaves room for the mark */
	size_t max_bytes;
	bool key;
	bool full;
	bool semicolon;          /* to be written if anything follows */
	uint64_t next_param;     /* the number of the next literal */
	struct lexer_token prev; /* the last one of this statement; LEXER_END at its start */
	enum norm_set set;
	bool alter;     /* the statement begins with ALTER */
	bool set_paren; /* SET ( name = value, name = value ) */
	struct normlist fold;
	bool folding;
};

/* ---- writing -------------------------------------------------------------------- */

static size_t written(const struct norm *n)
{
	return buf_len(n->out) - n->base;
}

static bool is_word_byte(char c)
{
	unsigned char u = (unsigned char)c;
	return (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') ||
	       u == '_' || u == '$' || u >= 0x80;
}

/* Would the two be read as one? */
static bool needs_space(const struct norm *n, struct slice text)
{
	if (written(n) == 0 || text.len == 0)
		return false;
	/* the last byte of a word may be the odd half of a character */
	bool word = n->prev.kind == LEXER_WORD || n->prev.kind == LEXER_PARAM;
	struct slice out = buf_slice(n->out);
	return (word || is_word_byte(out.ptr[out.len - 1])) && is_word_byte(text.ptr[0]);
}

/* All that is written goes through here: it keeps the bound. */
static void write_text(struct norm *n, struct slice text, bool space)
{
	if (n->full)
		return;
	bool gap = written(n) > 0 && (space || n->key || needs_space(n, text));
	if (written(n) + gap + text.len > n->max_bytes) {
		n->full = true;
		if (written(n) == 0)
			buf_add_slice(n->out, slice_head(text, n->max_bytes));
		return;
	}
	if (gap)
		buf_add_str(n->out, " ");
	buf_add_slice(n->out, text);
	if (written(n) <= n->max_bytes - MARK_BYTES)
		n->fits = written(n);
}

static void write_small(struct norm *n, struct slice text, bool space)
{
	size_t before = buf_len(n->out);
	write_text(n, text, space);
	if (buf_len(n->out) == before)
		return;
	for (char *p = n->out->data + n->out->start + before; p < n->out->data + n->out->end; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
}

/* The text goes on, but not here. */
static void write_mark(struct norm *n)
{
	if (buf_failed(n->out))
		return;
	if (written(n) > n->max_bytes - MARK_BYTES) {
		size_t keep = n->fits;
		struct slice out = slice_skip(buf_slice(n->out), n->base);
		if (keep == 0) /* one long token: whole characters of it */
			keep = n->max_bytes - MARK_BYTES;
		while (n->fits == 0 && keep > 0 && ((unsigned char)out.ptr[keep] & 0xc0) == 0x80)
			keep--;
		buf_truncate(n->out, n->base + keep);
	}
	if (written(n) > 0)
		buf_add_str(n->out, " ");
	buf_add_str(n->out, MARK);
}

static void write_value(struct norm *n, bool space)
{
	if (n->key) {
		write_text(n, SLICE("?"), space);
		return;
	}
	char text[24];
	char *p = text + sizeof(text);
	for (uint64_t v = n->next_param++; v > 0; v /= 10)
		*--p = (char)('0' + v % 10);
	*--p = '$';
	write_text(n, slice_make(p, (size_t)(text + sizeof(text) - p)), space);
}

/* ---- what a token means where it stands -------------------------------------------- */

/* Words behind which a sign belongs to the number, and is no operation on what came before. */
static bool is_before_value(const struct lexer_token *t)
{
	static const char *const words[] = { "select", "and",    "or",      "not",     "when",
					     "then",   "else",   "between", "in",      "like",
					     "limit",  "offset", "values",  "return",  "where",
					     "on",     "having", "by",      "case",    "default",
					     "to",     "from",   "is",      "distinct" };
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (lexer_is_word(t, words[i]))
			return true;
	return false;
}

/* Is a sign here one of the number behind it? Then takes the number too. */
static bool take_signed(struct norm *n, const struct lexer_token *t)
{
	if (t->kind != LEXER_OPERATOR || t->text.len != 1 ||
	    (t->text.ptr[0] != '-' && t->text.ptr[0] != '+'))
		return false;
	const struct lexer_token *prev = &n->prev;
	bool prefix = prev->kind == LEXER_END || prev->kind == LEXER_OPERATOR ||
		      (prev->kind == LEXER_PUNCT && !lexer_is_punct(prev, ')') &&
		       !lexer_is_punct(prev, ']')) ||
		      is_before_value(prev);
	struct lexer ahead = n->lex;
	struct lexer_token number = lexer_next(&ahead, NULL);
	if (!prefix || number.kind != LEXER_NUMBER)
		return false;
	n->lex = ahead;
	return true;
}

static bool is_set_value(const struct norm *n, const struct lexer_token *t)
{
	return n->set == SET_VALUE && (t->kind == LEXER_WORD || t->kind == LEXER_QUOTED) &&
	       !lexer_is_word(t, "default");
}

static bool is_assignment(const struct norm *n, const struct lexer_token *t)
{
	return (t->kind == LEXER_OPERATOR && slice_eq_str(t->text, "=")) ||
	       lexer_is_word(t, "to") ||
	       (lexer_is_word(t, "zone") && lexer_is_word(&n->prev, "time"));
}

/* Follows SET through its name and values. `value`: the token was written as one. */
static void follow_set(struct norm *n, const struct lexer_token *t, bool value)
{
	if (n->prev.kind == LEXER_END)
		n->alter = lexer_is_word(t, "alter");
	switch (n->set) {
	case SET_NO:
		if (lexer_is_word(t, "set") && (n->alter || n->prev.kind == LEXER_END))
			n->set = SET_NAME;
		break;
	case SET_NAME:
	case SET_COMMA:
		n->set_paren |= lexer_is_punct(t, '(');
		if (is_assignment(n, t) ||
		    (n->set == SET_COMMA && lexer_is_punct(t, ',') && !n->set_paren))
			n->set = SET_VALUE;
		else
			n->set = SET_NAME;
		break;
	case SET_VALUE:
		n->set = value || t->kind == LEXER_PARAM ? SET_COMMA : SET_NAME;
		break;
	}
}

static void begin_statement(struct norm *n)
{
	n->prev = (struct lexer_token){ .kind = LEXER_END };
	n->set = SET_NO;
	n->set_paren = false;
}

/* ---- lists ----------------------------------------------------------------------------- */

/* At an opening bracket: is it one of a list of values? */
static void find_list(struct norm *n, const struct lexer_token *t)
{
	bool found = false;
	if (n->folding)
		return;
	if (lexer_is_punct(t, '(') && lexer_is_word(&n->prev, "in"))
		found = normlist_values(&n->lex, ')', &n->fold);
	else if (lexer_is_punct(t, '[') && lexer_is_word(&n->prev, "array"))
		found = normlist_values(&n->lex, ']', &n->fold);
	else if (lexer_is_punct(t, '(') && lexer_is_word(&n->prev, "values"))
		found = normlist_rows(&n->lex, &n->fold);
	n->folding = found && (n->key || n->fold.count > 1);
}

static void fold_list(struct norm *n)
{
	write_text(n, SLICE(","), false);
	write_text(n, SLICE("..."), true);
	n->lex = n->fold.end;
	n->folding = false;
	n->prev = (struct lexer_token){ .kind = LEXER_PARAM };
}

/* ---- the way through the text -------------------------------------------------------------- */

static void write_token(struct norm *n, const struct lexer_token *t, bool gap)
{
	if (n->semicolon) {
		write_text(n, SLICE(";"), false);
		n->semicolon = false;
		gap = true;
	}
	bool value = lexer_is_literal(t) || take_signed(n, t) || is_set_value(n, t) ||
		     (n->key && t->kind == LEXER_PARAM);
	if (value)
		write_value(n, gap);
	else if (n->key && t->kind == LEXER_WORD)
		write_small(n, t->text, gap);
	else
		write_text(n, t->text, gap);
	follow_set(n, t, value);
	find_list(n, t);
	n->prev = *t;
	if (value)
		n->prev.kind = LEXER_PARAM;
}

static void write_all(struct norm *n)
{
	while (!n->full) {
		if (n->folding && n->lex.rest.ptr == n->fold.first_end.rest.ptr)
			fold_list(n);
		bool gap = false;
		struct lexer_token t = lexer_next(&n->lex, &gap);
		if (t.kind == LEXER_END)
			return;
		if (lexer_is_punct(&t, ';')) {
			n->semicolon = written(n) > 0;
			begin_statement(n);
			continue;
		}
		write_token(n, &t, gap);
	}
}

static uint64_t highest_param(struct slice sql, struct lexer_mode mode)
{
	struct lexer lex;
	uint64_t highest = 0;
	lexer_init(&lex, sql, mode);
	for (;;) {
		struct lexer_token t = lexer_any(&lex);
		if (t.kind == LEXER_END)
			return highest;
		if (t.kind == LEXER_PARAM && t.param > highest)
			highest = t.param;
	}
}

static void norm_begin(struct norm *n, struct slice sql, const struct norm_options *o,
		       struct buf *out)
{
	*n = (struct norm){ .out = out, .base = buf_len(out), .max_bytes = o->max_bytes };
	if (n->max_bytes == 0)
		n->max_bytes = SIZE_MAX;
	else if (n->max_bytes < MAX_BYTES_MIN)
		n->max_bytes = MAX_BYTES_MIN;
	lexer_init(&n->lex, sql, o->mode);
	begin_statement(n);
}

bool norm_write(struct slice sql, const struct norm_options *options, struct buf *out)
{
	struct norm n;
	norm_begin(&n, sql, options, out);
	n.next_param = highest_param(sql, options->mode) + 1;
	write_all(&n);
	bool cut = n.full || options->cut;
	if (cut)
		write_mark(&n);
	return cut;
}

void norm_write_key(struct slice sql, const struct norm_options *options, struct buf *out)
{
	struct norm n;
	norm_begin(&n, sql, options, out);
	n.key = true;
	write_all(&n);
}

static bool is_string(const struct lexer_token *t)
{
	return t->kind == LEXER_STRING || t->kind == LEXER_BITS || t->kind == LEXER_QUOTED;
}

static bool is_wordlike(const struct lexer_token *t)
{
	return t->kind == LEXER_WORD || t->kind == LEXER_NUMBER || t->kind == LEXER_PARAM ||
	       is_string(t);
}

bool norm_is_doubtful(struct slice sql, const struct norm_options *options)
{
	struct lexer lex;
	struct lexer_token prev = { .kind = LEXER_END };
	lexer_init(&lex, sql, options->mode);
	for (;;) {
		struct lexer_token t = lexer_any(&lex);
		if (t.kind == LEXER_END)
			return false;
		bool touches = (is_string(&prev) && is_wordlike(&t)) ||
			       (is_wordlike(&prev) && is_string(&t));
		if (touches || ((t.open || t.kind == LEXER_JUNK) && !options->cut))
			return true;
		prev = t;
	}
}

void norm_head(struct slice sql, const struct norm_options *options, struct buf *out)
{
	struct norm n;
	norm_begin(&n, sql, options, out);
	struct lexer_token t = lexer_next(&n.lex, NULL);
	while (lexer_is_punct(&t, ';') || lexer_is_punct(&t, '('))
		t = lexer_next(&n.lex, NULL);
	if (t.kind == LEXER_WORD)
		write_text(&n, t.text, false);
	write_mark(&n);
}
