/*
 * effect_word.c - statements that begin with a word of their own: one row each, and how it is read.
 *
 * A statement that is not in the table cannot be read.
 */
#include "sql/effect_parts.h"

typedef void (*read_fn)(struct lexer lex, struct effect *out);

static bool skip(struct lexer *lex, const char *word)
{
	struct lexer before = *lex;
	struct lexer_token t = lexer_next(lex, NULL);
	if (lexer_is_word(&t, word))
		return true;
	*lex = before;
	return false;
}

/* A name comes next, or something that cannot be read. */
static void read_name(struct lexer *lex, uint64_t effect, struct effect *out)
{
	char name[LITERAL_NAME_BYTES];
	struct lexer_token t = lexer_next(lex, NULL);
	out->token = t.text;
	out->set |= effect;
	if (literal_name(&t, name) > 0 && !literal_is_obscure(t.text, lex->mode))
		return;
	out->token = SLICE_NONE;
	out->set |= EFFECT(UNREAD);
}

/* ---- transactions --------------------------------------------------------------- */

static void read_none(struct lexer lex, struct effect *out)
{
	(void)lex;
	(void)out;
}

static void skip_work(struct lexer *lex)
{
	if (!skip(lex, "work"))
		(void)skip(lex, "transaction");
}

static void read_begin(struct lexer lex, struct effect *out)
{
	skip_work(&lex);
	out->set |= EFFECT(BEGIN);
	if (lexer_next(&lex, NULL).kind != LEXER_END)
		out->set |= EFFECT(MODES);
}

static void read_start(struct lexer lex, struct effect *out)
{
	if (skip(&lex, "transaction"))
		read_begin(lex, out);
	else
		out->set |= EFFECT(UNREAD);
}

/* AND [NO] CHAIN, or nothing */
static void read_chain(struct lexer lex, struct effect *out)
{
	if (skip(&lex, "and"))
		out->set |= skip(&lex, "chain") ? EFFECT(CHAIN) : 0;
}

static void read_commit(struct lexer lex, struct effect *out)
{
	if (skip(&lex, "prepared"))
		return;
	out->set |= EFFECT(COMMIT);
	skip_work(&lex);
	read_chain(lex, out);
}

static void read_rollback(struct lexer lex, struct effect *out)
{
	if (skip(&lex, "prepared"))
		return;
	skip_work(&lex);
	if (skip(&lex, "to")) {
		(void)skip(&lex, "savepoint");
		read_name(&lex, EFFECT(ROLLBACK_TO), out);
		return;
	}
	out->set |= EFFECT(ROLLBACK);
	read_chain(lex, out);
}

static void read_savepoint(struct lexer lex, struct effect *out)
{
	read_name(&lex, EFFECT(SAVEPOINT), out);
}

static void read_release(struct lexer lex, struct effect *out)
{
	struct lexer behind = lex;
	/* RELEASE SAVEPOINT a; but a savepoint may have that name: RELEASE savepoint */
	if (skip(&behind, "savepoint")) {
		struct lexer peek = behind;
		if (lexer_next(&peek, NULL).kind != LEXER_END)
			lex = behind;
	}
	read_name(&lex, EFFECT(RELEASE), out);
}

/* ---- what lives in the session ------------------------------------------------------ */

/* ALL, or a name. */
static void read_name_or_all(struct lexer *lex, uint64_t one, uint64_t all, struct effect *out)
{
	if (skip(lex, "all"))
		out->set |= all;
	else
		read_name(lex, one, out);
}

static void read_close(struct lexer lex, struct effect *out)
{
	read_name_or_all(&lex, EFFECT(CLOSE), EFFECT(CLOSE_ALL), out);
}

static void read_deallocate(struct lexer lex, struct effect *out)
{
	struct lexer behind = lex;
	/* DEALLOCATE PREPARE a; but a statement may have that name: DEALLOCATE prepare */
	if (skip(&behind, "prepare")) {
		struct lexer peek = behind;
		if (lexer_next(&peek, NULL).kind != LEXER_END)
			lex = behind;
	}
	read_name_or_all(&lex, EFFECT(DEALLOCATE), EFFECT(DEALLOCATE_ALL), out);
}

static void read_listen(struct lexer lex, struct effect *out)
{
	read_name(&lex, EFFECT(LISTEN), out);
}

static void read_unlisten(struct lexer lex, struct effect *out)
{
	struct lexer at = lex;
	struct lexer_token t = lexer_next(&at, NULL);
	if (t.kind == LEXER_OPERATOR && slice_eq_str(t.text, "*"))
		out->set |= EFFECT(UNLISTEN_ALL);
	else
		read_name(&lex, EFFECT(UNLISTEN), out);
}

static void read_notify(struct lexer lex, struct effect *out)
{
	read_name(&lex, EFFECT(NOTIFY), out);
}

static void read_load(struct lexer lex, struct effect *out)
{
	(void)lex;
	out->set |= EFFECT(LOAD);
}

static void read_discard(struct lexer lex, struct effect *out)
{
	if (skip(&lex, "all"))
		out->set |= EFFECT(DISCARD_ALL);
	else if (skip(&lex, "plans"))
		out->set |= EFFECT(DISCARD_PLANS);
	else if (skip(&lex, "sequences"))
		out->set |= EFFECT(DISCARD_SEQUENCES);
	else if (skip(&lex, "temp") || skip(&lex, "temporary"))
		out->set |= EFFECT(DISCARD_TEMP);
	else
		out->set |= EFFECT(UNREAD);
}

/* ---- statements in statements ---------------------------------------------------------- */

/* A query from here to the end, of which it is not known that it runs, or when. */
static void read_inner(struct lexer lex, struct effect *out)
{
	struct lexer_token t;
	struct lexer at = lex;
	do
		t = lexer_next(&at, NULL);
	while (lexer_is_punct(&t, '('));
	if (t.kind != LEXER_WORD || !effect_query_begins(t.text))
		out->set |= EFFECT(UNREAD);
	effect_query_read(&lex, out);
	effect_set_doubt(out);
}

/* Past the parenthesis that closes the one which begins here, if there is one. */
static void skip_parentheses(struct lexer *lex)
{
	struct lexer before = *lex;
	struct lexer_token t = lexer_next(lex, NULL);
	if (!lexer_is_punct(&t, '(')) {
		*lex = before;
		return;
	}
	for (size_t depth = 1; depth > 0 && t.kind != LEXER_END;) {
		t = lexer_next(lex, NULL);
		depth += lexer_is_punct(&t, '(');
		depth -= lexer_is_punct(&t, ')');
	}
}

static void read_prepare(struct lexer lex, struct effect *out)
{
	struct lexer behind = lex;
	if (skip(&behind, "transaction")) {
		struct lexer_token gid = lexer_next(&behind, NULL);
		if (lexer_is_literal(&gid)) {
			out->set |= EFFECT(PREPARE_TRANSACTION);
			return;
		}
	}
	read_name(&lex, EFFECT(PREPARE), out);
	skip_parentheses(&lex);
	if (!skip(&lex, "as")) {
		out->set |= EFFECT(UNREAD);
		return;
	}
	struct effect inner = { .set = 0 };
	read_inner(lex, &inner);
	out->inner = inner.set;
	out->setting_count = inner.setting_count;
	for (size_t i = 0; i < inner.setting_count; i++)
		out->settings[i] = inner.settings[i];
}

static void read_execute(struct lexer lex, struct effect *out)
{
	read_name(&lex, EFFECT(EXECUTE), out);
	effect_query_scan(lex, out);
}

static void read_declare(struct lexer lex, struct effect *out)
{
	struct lexer_token last = { .kind = LEXER_END };
	read_name(&lex, 0, out);
	for (;;) {
		struct lexer_token t = lexer_next(&lex, NULL);
		if (lexer_is_word(&t, "hold") && lexer_is_word(&last, "with"))
			out->set |= EFFECT(HOLD);
		if (t.kind == LEXER_END)
			out->set |= EFFECT(UNREAD);
		if (t.kind == LEXER_END || lexer_is_word(&t, "for"))
			break;
		last = t;
	}
	read_inner(lex, out);
}

static void read_create(struct lexer lex, struct effect *out);

static void read_explain(struct lexer lex, struct effect *out)
{
	skip_parentheses(&lex);
	while (skip(&lex, "analyze") || skip(&lex, "analyse") || skip(&lex, "verbose"))
		;
	struct lexer behind = lex;
	if (skip(&behind, "execute"))
		read_execute(behind, out);
	else if (skip(&behind, "declare"))
		read_declare(behind, out);
	else if (skip(&behind, "create"))
		read_create(behind, out);
	else if (skip(&behind, "refresh"))
		out->set |= EFFECT(CALLS);
	else
		read_inner(lex, out);
	effect_set_doubt(out);
}

/* ---- what is created and dropped ---------------------------------------------------------- */

bool effect_word_is_temp_schema(const struct lexer_token *t)
{
	char name[LITERAL_NAME_BYTES];
	size_t n = literal_name(t, name);
	if (n == 0)
		return t->kind == LEXER_QUOTED;
	return strcmp(name, "pg_temp") == 0 || strncmp(name, "pg_temp_", 8) == 0;
}

/* CREATE [OR REPLACE] [LOCAL | GLOBAL] TEMP[ORARY] */
static bool is_temp_head(struct lexer lex)
{
	if (skip(&lex, "or"))
		(void)skip(&lex, "replace");
	if (!skip(&lex, "local"))
		(void)skip(&lex, "global");
	return skip(&lex, "temp") || skip(&lex, "temporary");
}

/* What the words of CREATE say, one after the other. */
struct create_words {
	struct lexer_token last, last2;
	struct lexer_mode mode;
	bool head;       /* before the first AS */
	bool drops;      /* ON COMMIT DROP */
	bool names_temp; /* pg_temp. */
	bool has_temp;   /* TEMP, anywhere */
};

static void create_word(struct create_words *w, const struct lexer_token *t, struct effect *out)
{
	if (lexer_is_punct(t, '.') && effect_word_is_temp_schema(&w->last))
		w->names_temp = true;
	if (w->head && lexer_is_word(t, "drop") && lexer_is_word(&w->last, "commit") &&
	    lexer_is_word(&w->last2, "on"))
		w->drops = true;
	if (lexer_is_word(&w->last2, "as") && lexer_is_word(&w->last, "execute")) {
		out->set |= EFFECT(EXECUTE);
		out->token = literal_is_obscure(t->text, w->mode) ? SLICE_NONE : t->text;
	}
	w->has_temp |= lexer_is_word(t, "temp") || lexer_is_word(t, "temporary");
	w->head &= !lexer_is_word(t, "as");
	w->last2 = w->last;
	w->last = *t;
}

static void read_create(struct lexer lex, struct effect *out)
{
	struct create_words w = { .head = true, .mode = lex.mode };
	struct lexer at = lex;
	for (;;) {
		struct lexer_token t = lexer_next(&at, NULL);
		if (t.kind == LEXER_END)
			break;
		create_word(&w, &t, out);
	}
	bool temp = w.names_temp || is_temp_head(lex) || (skip(&lex, "schema") && w.has_temp);
	if (skip(&lex, "extension"))
		out->set |= EFFECT(CODE);
	if (temp)
		out->set |= w.drops ? EFFECT(DDL) : EFFECT(TEMP);
	if (!temp)
		out->set |= EFFECT(CREATE);
	effect_query_scan(lex, out);
	effect_set_doubt(out);
}

static void read_drop(struct lexer lex, struct effect *out)
{
	(void)lex;
	out->set |= EFFECT(DROP);
}

static void read_alter(struct lexer lex, struct effect *out)
{
	out->set |= EFFECT(ALTER);
	if (skip(&lex, "extension"))
		out->set |= EFFECT(CODE);
	/* a column that is added may have a default, which every row gets */
	if (skip(&lex, "table"))
		out->set |= EFFECT(SEQUENCE_MOVE);
	effect_query_scan(lex, out);
	effect_set_doubt(out);
}

static void read_copy(struct lexer lex, struct effect *out)
{
	struct lexer at = lex;
	size_t depth = 0;
	struct lexer_token t;
	do {
		t = lexer_next(&at, NULL);
		depth += lexer_is_punct(&t, '(');
		depth -= lexer_is_punct(&t, ')') && depth > 0;
		if (depth == 0 && lexer_is_word(&t, "from"))
			out->set |= EFFECT(SEQUENCE_MOVE);
	} while (t.kind != LEXER_END);
	/* COPY t (a, b): with that word before it the name is no call */
	at = lex;
	t = lexer_next(&at, NULL);
	if (!lexer_is_punct(&t, '('))
		lexer_init(&lex, out->text, lex.mode);
	effect_query_scan(lex, out);
	effect_set_doubt(out);
}

/* Does it stand there in plain letters? */
static bool names_setseed(struct slice code)
{
	for (; code.len > 0; code = slice_skip(code, 1))
		if (slice_ieq_str(slice_head(code, strlen("setseed")), "setseed"))
			return true;
	return false;
}

static void read_code(struct lexer lex, struct effect *out)
{
	out->set |= EFFECT(CODE);
	if (names_setseed(lex.rest))
		out->set |= EFFECT(SEED);
}

static void read_refresh(struct lexer lex, struct effect *out)
{
	(void)lex;
	out->set |= EFFECT(CALLS) | EFFECT(DDL);
}

static void read_import(struct lexer lex, struct effect *out)
{
	(void)lex;
	out->set |= EFFECT(ALTER);
}

static void read_ddl(struct lexer lex, struct effect *out)
{
	(void)lex;
	out->set |= EFFECT(DDL);
}

/* ---- the table ------------------------------------------------------------------------------ */

static const struct {
	struct slice word;
	read_fn read;
} rows[] = {
#define ROW(word_, read_)                                                                          \
	{                                                                                          \
		.word = EFFECT_WORD(word_), .read = read_                                          \
	}
	ROW("begin", read_begin),
	ROW("commit", read_commit),
	ROW("rollback", read_rollback),
	ROW("set", effect_set_read_set),
	ROW("savepoint", read_savepoint),
	ROW("release", read_release),
	ROW("end", read_commit),
	ROW("abort", read_rollback),
	ROW("start", read_start),
	ROW("reset", effect_set_read_reset),
	ROW("show", read_none),
	ROW("execute", read_execute),
	ROW("prepare", read_prepare),
	ROW("deallocate", read_deallocate),
	ROW("declare", read_declare),
	ROW("close", read_close),
	ROW("fetch", read_none),
	ROW("move", read_none),
	ROW("listen", read_listen),
	ROW("unlisten", read_unlisten),
	ROW("notify", read_notify),
	ROW("load", read_load),
	ROW("discard", read_discard),
	ROW("create", read_create),
	ROW("drop", read_drop),
	ROW("alter", read_alter),
	ROW("do", read_code),
	ROW("call", read_code),
	ROW("explain", read_explain),
	ROW("copy", read_copy),
	ROW("lock", read_none),
	ROW("truncate", read_none),
	ROW("analyze", read_none),
	ROW("analyse", read_none),
	ROW("vacuum", read_none),
	ROW("cluster", read_none),
	ROW("reindex", read_ddl),
	ROW("refresh", read_refresh),
	ROW("checkpoint", read_none),
	ROW("comment", read_ddl),
	ROW("security", read_ddl),
	ROW("grant", read_ddl),
	ROW("revoke", read_ddl),
	ROW("reassign", read_ddl),
	ROW("import", read_import),
#undef ROW
};

void effect_word_read(struct lexer_mode mode, struct effect *out)
{
	struct lexer lex;
	lexer_init(&lex, out->text, mode);
	struct slice word = lexer_next(&lex, NULL).text;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (effect_parts_is(word, rows[i].word)) {
			rows[i].read(lex, out);
			return;
		}
	}
	out->set |= EFFECT(UNREAD);
}
