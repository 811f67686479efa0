/*
 * userlist.c - reads PgBouncer's userlist.txt; a sorted array of names and secrets.
 */
#include "auth/userlist.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/filetext.h"
#include "base/mem.h"

struct userlist_entry {
	char *name; /* owned */
	size_t name_len;
	unsigned line;
	struct secret *secret; /* a reference */
};

struct userlist {
	atomic_uint refs;
	size_t count, room;
	struct userlist_entry *entries; /* by name */
};

/* One reading of a text. */
struct userlist_reading {
	struct userlist *list;
	const struct userlist *previous;
	userlist_report_fn report;
	void *arg;
	unsigned line;
	bool has_faults;
};

/* ---- the list ---------------------------------------------------------------------- */

struct userlist *userlist_new(void)
{
	struct userlist *u = mem_zalloc(sizeof(*u));
	atomic_init(&u->refs, 1);
	return u;
}

struct userlist *userlist_ref(struct userlist *u)
{
	if (u)
		atomic_fetch_add_explicit(&u->refs, 1, memory_order_relaxed);
	return u;
}

static void userlist_entry_fini(struct userlist_entry *e)
{
	free(e->name);
	secret_unref(e->secret);
}

void userlist_unref(struct userlist *u)
{
	if (!u || atomic_fetch_sub_explicit(&u->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < u->count; i++)
		userlist_entry_fini(&u->entries[i]);
	free(u->entries);
	free(u);
}

static struct slice userlist_entry_name(const struct userlist_entry *e)
{
	return slice_make(e->name, e->name_len);
}

static int userlist_compare_names(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int userlist_compare_entries(const void *pa, const void *pb)
{
	const struct userlist_entry *a = pa, *b = pb;
	int order = userlist_compare_names(userlist_entry_name(a), userlist_entry_name(b));
	return order ? order : (a->line > b->line) - (a->line < b->line);
}

static int userlist_compare_key(const void *key, const void *entry)
{
	const struct slice *name = key;
	return userlist_compare_names(*name, userlist_entry_name(entry));
}

struct secret *userlist_get(const struct userlist *u, struct slice name)
{
	if (u->count == 0)
		return NULL;
	const struct userlist_entry *e =
		bsearch(&name, u->entries, u->count, sizeof(*e), userlist_compare_key);
	return e ? e->secret : NULL;
}

size_t userlist_count(const struct userlist *u)
{
	return u->count;
}

struct slice userlist_name_at(const struct userlist *u, size_t i)
{
	BUG_ON(i >= u->count);
	return userlist_entry_name(&u->entries[i]);
}

struct secret *userlist_secret_at(const struct userlist *u, size_t i)
{
	BUG_ON(i >= u->count);
	return u->entries[i].secret;
}

bool userlist_is_mostly_scram(const struct userlist *u)
{
	size_t scram = 0;
	for (size_t i = 0; i < u->count; i++)
		scram += secret_kind(u->entries[i].secret) == SECRET_SCRAM;
	return scram * 2 > u->count;
}

uint32_t userlist_usual_iterations(const struct userlist *u)
{
	uint32_t usual = SCRAM_ITERATIONS;
	size_t lead = 0; /* how far it is ahead of all others together */
	for (size_t i = 0; i < u->count; i++) {
		const struct secret *secret = u->entries[i].secret;
		if (secret_kind(secret) != SECRET_SCRAM)
			continue;
		uint32_t iterations = secret_scram(secret)->iterations;
		if (lead == 0)
			usual = iterations;
		lead = usual == iterations ? lead + 1 : lead - 1;
	}
	return usual;
}

/* ---- reading ------------------------------------------------------------------------- */

PRINTF_LIKE(3, 4)
static void userlist_report(struct userlist_reading *r, bool is_fault, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->has_faults |= is_fault;
	r->report(r->arg, is_fault, r->line, text);
}

/*
 * Takes a quoted string, and the blanks behind it, off the front of the line and writes it to
 * `to`. False where it does not begin with a quote, or does not end. Doubled quotes stand for one.
 */
static bool userlist_take_string(struct slice *line, struct buf *to)
{
	buf_clear(to);
	if (line->len == 0 || line->ptr[0] != '"')
		return false;
	size_t i = 1;
	for (; i < line->len; i++) {
		if (line->ptr[i] == '"') {
			if (i + 1 == line->len || line->ptr[i + 1] != '"')
				break;
			i++;
		}
		buf_u8(to, (uint8_t)line->ptr[i]);
	}
	if (i == line->len)
		return false;
	*line = slice_trim(slice_skip(*line, i + 1));
	return true;
}

static void userlist_add(struct userlist_reading *r, struct slice name, struct slice text)
{
	struct userlist *u = r->list;
	if (u->count == u->room) {
		u->room = u->room ? u->room * 2 : 16;
		u->entries = mem_realloc(u->entries, u->room * sizeof(*u->entries));
	}
	struct secret *old = r->previous ? userlist_get(r->previous, name) : NULL;
	bool is_kept = old && slice_eq(secret_text(old), text);
	struct secret *secret = is_kept ? secret_ref(old) : secret_new(text);
	u->entries[u->count++] = (struct userlist_entry){
		.name = slice_dup(name), .name_len = name.len, .line = r->line, .secret = secret
	};
	if (secret_is_doubtful(secret))
		userlist_report(r, false,
				"the secret of \"%.*s\" begins like a hash but is not one: "
				"it is taken as a plain password",
				SLICE_ARGS(name));
}

/* One line that is neither empty nor a comment. */
static void userlist_read_user(struct userlist_reading *r, struct slice line, struct buf *name,
			       struct buf *secret)
{
	if (line.ptr[0] != '"')
		userlist_report(r, true, "a line must begin with the user's name in quotes");
	else if (memchr(line.ptr, '\0', line.len))
		userlist_report(r, true, "there is a zero byte in the line");
	else if (!userlist_take_string(&line, name))
		userlist_report(r, true, "the quote that opens the user's name is not closed");
	else if (line.len == 0 || line.ptr[0] != '"')
		userlist_report(r, true,
				"the user's name must be followed by the secret in quotes");
	else if (!userlist_take_string(&line, secret))
		userlist_report(r, true, "the quote that opens the secret is not closed");
	else if (buf_len(name) == 0)
		userlist_report(r, true, "the user's name is empty");
	else if (buf_failed(name) || buf_len(name) > USERLIST_MAX_NAME_BYTES)
		userlist_report(r, true, "the user's name is longer than %d bytes",
				USERLIST_MAX_NAME_BYTES);
	else if (buf_failed(secret) || buf_len(secret) > USERLIST_MAX_SECRET_BYTES)
		userlist_report(r, true, "the secret is longer than %d bytes",
				USERLIST_MAX_SECRET_BYTES);
	else
		userlist_add(r, buf_slice(name), buf_slice(secret));
}

/* Sorts, and of several lines for a name keeps the last. */
static void userlist_settle(struct userlist_reading *r)
{
	struct userlist *u = r->list;
	size_t kept = 0;
	if (u->count)
		qsort(u->entries, u->count, sizeof(*u->entries), userlist_compare_entries);
	for (size_t i = 0; i < u->count; i++) {
		struct userlist_entry *e = &u->entries[i];
		struct userlist_entry *last = kept ? &u->entries[kept - 1] : NULL;
		if (last && slice_eq(userlist_entry_name(last), userlist_entry_name(e))) {
			r->line = e->line;
			userlist_report(r, false,
					"user \"%s\" was on line %u already: this line counts",
					e->name, last->line);
			userlist_entry_fini(last);
			*last = *e;
		} else {
			u->entries[kept++] = *e;
		}
	}
	u->count = kept;
}

static struct slice userlist_take_line(struct slice *text)
{
	const char *end = memchr(text->ptr, '\n', text->len);
	size_t n = end ? (size_t)(end - text->ptr) : text->len;
	struct slice line = slice_head(*text, n);
	*text = slice_skip(*text, end ? n + 1 : n);
	return slice_trim(line);
}

static void userlist_wipe(struct buf *b)
{
	if (b->data)
		mem_wipe(b->data, b->cap);
	buf_fini(b);
}

static struct userlist *userlist_finish(struct userlist_reading *r)
{
	userlist_settle(r);
	if (!r->has_faults)
		return r->list;
	userlist_unref(r->list);
	return NULL;
}

static void userlist_read_text(struct userlist_reading *r, struct slice text)
{
	struct buf name, secret;
	buf_init(&name, USERLIST_MAX_NAME_BYTES);
	buf_init(&secret, USERLIST_MAX_SECRET_BYTES);
	/* the whole room at once: growing would leave copies of secrets in freed memory */
	if (!buf_reserve(&name, USERLIST_MAX_NAME_BYTES) ||
	    !buf_reserve(&secret, USERLIST_MAX_SECRET_BYTES))
		userlist_report(r, true, "memory is short");
	if (slice_starts(text, "\xef\xbb\xbf"))
		text = slice_skip(text, 3);
	while (text.len) {
		struct slice line = userlist_take_line(&text);
		r->line++;
		if (line.len && line.ptr[0] != ';' && line.ptr[0] != '#')
			userlist_read_user(r, line, &name, &secret);
	}
	userlist_wipe(&name);
	userlist_wipe(&secret);
}

struct userlist *userlist_parse(struct slice text, const struct userlist *previous,
				userlist_report_fn report, void *arg)
{
	struct userlist_reading r = {
		.list = userlist_new(), .previous = previous, .report = report, .arg = arg
	};
	userlist_read_text(&r, text);
	return userlist_finish(&r);
}

/* ---- the file ------------------------------------------------------------------------ */

struct userlist *userlist_load(const char *path, const struct userlist *previous,
			       userlist_report_fn report, void *arg)
{
	struct userlist_reading r = {
		.list = userlist_new(), .previous = previous, .report = report, .arg = arg
	};
	struct filetext file;
	struct err err;
	if (!filetext_load(&file, path, true, USERLIST_MAX_FILE_BYTES, &err)) {
		userlist_report(&r, true, "%s", err.text);
		return userlist_finish(&r);
	}
	if (*file.warning.text)
		userlist_report(&r, false, "%s", file.warning.text);
	userlist_read_text(&r, filetext_slice(&file));
	filetext_fini(&file);
	return userlist_finish(&r);
}
