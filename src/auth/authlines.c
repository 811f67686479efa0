/*
 * authlines.c - from the text of HBA and ident files to words.
 */
#include "auth/authlines.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/filetext.h"

#define AUTHLINES_MARK "\xef\xbb\xbf" /* of UTF-8, skipped at the start of a file */

/* A text that is being read, and who named it. */
struct authlines_source {
	const char *name;
	const struct authlines_source *above; /* NULL: nobody */
	unsigned line;                        /* where it is at */
	bool is_memory;
	bool is_readable_by_all;
	dev_t device;
	ino_t inode;
	struct authlines_field *gather; /* @FILE: its words go here, and it has no lines */
	bool is_spoiled;                /* there was a fault in this line */
};

static bool authlines_read_file(struct authlines *all, struct authlines_source *above,
				const char *path, struct authlines_field *gather);

void authlines_init(struct authlines *all, struct confmem *mem, authlines_report_fn report,
		    void *arg)
{
	*all = (struct authlines){ .mem = mem, .report = report, .arg = arg };
}

static void authlines_say(struct authlines *all, bool is_fault, const char *file, unsigned line,
			  const char *fmt, va_list ap)
{
	char text[512];
	vsnprintf(text, sizeof(text), fmt, ap);
	all->has_faults |= is_fault;
	all->report(all->arg, is_fault, file, line, text);
}

void authlines_fault(struct authlines *all, const char *file, unsigned line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	authlines_say(all, true, file, line, fmt, ap);
	va_end(ap);
}

void authlines_warn(struct authlines *all, const char *file, unsigned line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	authlines_say(all, false, file, line, fmt, ap);
	va_end(ap);
}

PRINTF_LIKE(3, 4)
static void authlines_spoil(struct authlines *all, struct authlines_source *src, const char *fmt,
			    ...)
{
	va_list ap;
	va_start(ap, fmt);
	authlines_say(all, true, src->name, src->line, fmt, ap);
	va_end(ap);
	src->is_spoiled = true;
}

bool authlines_is_keyword(const struct authlines_word *word, const char *keyword)
{
	return !word->is_quoted && strcmp(word->text, keyword) == 0;
}

void authlines_write_word(const struct authlines_word *word, struct buf *out)
{
	bool is_mark = strncmp(word->text, AUTHLINES_MARK, sizeof(AUTHLINES_MARK) - 1) == 0;
	if (!word->is_quoted && *word->text && !is_mark && !strpbrk(word->text, " \t\r,#\"\\@")) {
		buf_add_str(out, word->text);
		return;
	}
	buf_u8(out, '"');
	for (const char *c = word->text; *c; c++) {
		if (*c == '"')
			buf_u8(out, '"');
		buf_u8(out, (uint8_t)*c);
	}
	buf_u8(out, '"');
}

/* ---- words of a line --------------------------------------------------------------------- */

static bool authlines_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* A word that is being taken off a line. */
struct authlines_taken {
	struct authlines_word word;
	bool has_quote; /* somewhere: so that even "" is a word */
	bool is_open;   /* the line ended inside quotes */
	bool has_comma; /* right behind it: the field goes on */
};

/* What is left of a line: words lose their quotes where they stand, and end with a zero. */
struct authlines_rest {
	char *at;
	char *end; /* may be written to as well */
};

/* Commas in front of a word mean nothing, as in PostgreSQL. False: there is no word left. */
static bool authlines_take_word(struct authlines_rest *line, struct authlines_taken *t)
{
	char *at = line->at, *end = line->end;
	bool was_quote = false;
	*t = (struct authlines_taken){ .has_comma = false };
	while (at < end && (authlines_is_blank(*at) || *at == ','))
		at++;
	char *start = at, *to = at;
	for (; at < end && (t->is_open || !authlines_is_blank(*at)); at++) {
		if (*at == '#' && !t->is_open)
			end = at;
		if (*at == ',' && !t->is_open)
			t->has_comma = true;
		if (at == end || t->has_comma)
			break;
		char c = *at;
		if (c != '"' || was_quote)
			*to++ = c;
		was_quote = t->is_open && c == '"' && !was_quote;
		if (c == '"') {
			t->is_open = !t->is_open;
			t->has_quote = true;
			t->word.is_quoted |= to == start;
		}
	}
	*to = '\0';
	t->word.text = start;
	line->at = at < end ? at + 1 : end;
	line->end = end;
	return t->has_quote || to > start;
}

static void authlines_add_word(struct authlines *all, struct authlines_field *field,
			       struct authlines_word word)
{
	field->words = confmem_grow(all->mem, field->words, field->count, sizeof(*field->words));
	field->words[field->count++] = word;
}

/* The words of @FILE. */
static void authlines_take_file(struct authlines *all, struct authlines_source *src,
				const char *path, struct authlines_field *field)
{
	if (src->is_memory)
		authlines_spoil(all, src, "@%s has no place here", path);
	else if (!authlines_read_file(all, src, path, field))
		src->is_spoiled = true;
}

static void authlines_take_field(struct authlines *all, struct authlines_source *src,
				 struct authlines_rest *line, struct authlines_field *field)
{
	struct authlines_taken t = { .has_comma = true };
	while (t.has_comma && !src->is_spoiled && authlines_take_word(line, &t)) {
		if (t.is_open)
			authlines_spoil(all, src, "a quote is not closed");
		else if (!t.word.is_quoted && t.word.text[0] == '@' && t.word.text[1])
			authlines_take_file(all, src, t.word.text + 1, field);
		else
			authlines_add_word(all, field, t.word);
	}
}

/* ---- lines --------------------------------------------------------------------------------- */

static int authlines_compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *authlines_beside(struct authlines *all, const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	if (path[0] == '/' || !slash)
		return path;
	size_t dir = (size_t)(slash - file) + 1, len = strlen(path);
	char *joined = confmem_alloc(all->mem, dir + len + 1);
	memcpy(joined, file, dir);
	memcpy(joined + dir, path, len);
	return joined;
}

static const char *authlines_join(struct authlines *all, const char *dir, const char *name)
{
	size_t dir_len = strlen(dir), len = strlen(name);
	char *joined = confmem_alloc(all->mem, dir_len + len + 2);
	memcpy(joined, dir, dir_len);
	joined[dir_len] = '/';
	memcpy(joined + dir_len + 1, name, len);
	return joined;
}

static bool authlines_is_conf(const char *name)
{
	size_t len = strlen(name);
	return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

static void authlines_read_dir(struct authlines *all, struct authlines_source *src,
			       const char *path)
{
	const char **names = NULL;
	size_t count = 0;
	const char *dir = authlines_beside(all, src->name, path);
	DIR *d = opendir(dir);
	if (!d) {
		authlines_spoil(all, src, "cannot read the directory %s: %s", dir, strerror(errno));
		return;
	}
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (!authlines_is_conf(e->d_name))
			continue;
		names = confmem_grow(all->mem, names, count, sizeof(*names));
		names[count++] = authlines_join(all, dir, e->d_name);
	}
	closedir(d);
	if (count)
		qsort(names, count, sizeof(*names), authlines_compare_names);
	for (size_t i = 0; i < count; i++)
		(void)authlines_read_file(all, src, names[i], NULL);
}

/* Whether the line named other files, which were read then. */
static bool authlines_is_include(struct authlines *all, struct authlines_source *src,
				 const struct authlines_line *line)
{
	if (line->count != 2 || line->fields[0].count != 1)
		return false;
	const char *word = line->fields[0].words[0].text, *path = line->fields[1].words[0].text;
	bool is_dir = strcmp(word, "include_dir") == 0;
	bool is_maybe = strcmp(word, "include_if_exists") == 0;
	if (!is_dir && !is_maybe && strcmp(word, "include") != 0)
		return false;
	if (line->fields[1].count != 1)
		authlines_spoil(all, src, "%s takes one name", word);
	else if (src->is_memory)
		authlines_spoil(all, src, "%s has no place here", word);
	else if (is_dir)
		authlines_read_dir(all, src, path);
	else if (!is_maybe || access(authlines_beside(all, src->name, path), F_OK) == 0 ||
		 errno != ENOENT)
		(void)authlines_read_file(all, src, path, NULL);
	return true;
}

static void authlines_read_line(struct authlines *all, struct authlines_source *src,
				struct authlines_rest text)
{
	struct authlines_line line = { .file = src->name,
				       .line = src->line,
				       .is_readable_by_all = src->is_readable_by_all };
	src->is_spoiled = false;
	if (memchr(text.at, '\0', (size_t)(text.end - text.at)))
		authlines_spoil(all, src, "a zero byte");
	while (text.at < text.end && !src->is_spoiled) {
		struct authlines_field field = { .words = NULL };
		authlines_take_field(all, src, &text, src->gather ? src->gather : &field);
		if (field.count == 0)
			continue;
		line.fields = confmem_grow(all->mem, line.fields, line.count, sizeof(*line.fields));
		line.fields[line.count++] = field;
	}
	if (src->is_spoiled || line.count == 0 || authlines_is_include(all, src, &line))
		return;
	if (all->count == AUTHLINES_MAX_LINES) {
		authlines_spoil(all, src, "more than %d lines in all", AUTHLINES_MAX_LINES);
		return;
	}
	all->lines = confmem_grow(all->mem, all->lines, all->count, sizeof(*all->lines));
	all->lines[all->count++] = line;
}

/*
 * One line and those that continue it, off the front of the text, joined where they stand: how
 * many lines of the file that was. A backslash that only a join has brought to the end is no
 * continuation, so that a doubled one does not swallow a line.
 */
static unsigned authlines_take_line(struct authlines_rest *text, struct authlines_rest *line)
{
	*line = (struct authlines_rest){ .at = text->at, .end = text->at };
	for (unsigned lines = 1;; lines++) {
		char *joined = line->end;
		char *newline = memchr(text->at, '\n', (size_t)(text->end - text->at));
		char *end = newline ? newline : text->end;
		size_t n = (size_t)(end - text->at);
		memmove(line->end, text->at, n);
		line->end += n;
		text->at = newline ? newline + 1 : text->end;
		while (line->end > joined && line->end[-1] == '\r')
			line->end--;
		if (line->end == joined || line->end[-1] != '\\')
			return lines;
		line->end--;
		if (text->at == text->end)
			return lines;
	}
}

static void authlines_read_text(struct authlines *all, struct authlines_source *src,
				struct slice text)
{
	if (slice_starts(text, AUTHLINES_MARK))
		text = slice_skip(text, 3);
	char *copy = confmem_str(all->mem, text);
	struct authlines_rest rest = { .at = copy, .end = copy + text.len };
	src->line = 1;
	while (rest.at < rest.end) {
		struct authlines_rest line;
		unsigned lines = authlines_take_line(&rest, &line);
		authlines_read_line(all, src, line);
		src->line += lines;
	}
}

/* ---- files --------------------------------------------------------------------------------- */

static bool authlines_is_loop(const struct authlines_source *src, struct err *err)
{
	int depth = 1;
	for (const struct authlines_source *up = src->above; up; up = up->above, depth++) {
		if (up->device == src->device && up->inode == src->inode)
			return !err_set(err, "it includes itself");
		if (depth >= AUTHLINES_MAX_DEPTH)
			return !err_set(err, "more than %d files deep", AUTHLINES_MAX_DEPTH);
	}
	return false;
}

/* A file that is named by `above`, or (NULL) the first. False: there were faults in it. */
static bool authlines_read_file(struct authlines *all, struct authlines_source *above,
				const char *path, struct authlines_field *gather)
{
	const char *name = above ? authlines_beside(all, above->name, path) : path;
	struct authlines_source src = { .name = name, .above = above, .gather = gather };
	struct filetext file;
	struct err err;
	bool had_faults = all->has_faults;
	bool ok = filetext_load(&file, name, false, AUTHLINES_MAX_FILE_BYTES, &err);
	if (ok) {
		src.device = file.device;
		src.inode = file.inode;
		src.is_readable_by_all = file.is_readable_by_all;
		if (*file.warning.text)
			authlines_warn(all, name, 0, "%s", file.warning.text);
		ok = !authlines_is_loop(&src, &err);
	}
	all->has_faults = false;
	if (ok)
		authlines_read_text(all, &src, filetext_slice(&file));
	else if (above)
		authlines_fault(all, above->name, above->line, "%s: %s", name, err.text);
	else
		authlines_fault(all, name, 0, "%s", err.text);
	filetext_fini(&file);
	ok = !all->has_faults;
	all->has_faults |= had_faults;
	return ok;
}

void authlines_load(struct authlines *all, const char *path)
{
	authlines_read_file(all, NULL, confmem_str(all->mem, slice_of(path)), NULL);
}

void authlines_parse(struct authlines *all, struct slice text, const char *name)
{
	struct authlines_source src = { .name = confmem_str(all->mem, slice_of(name)),
					.is_memory = true };
	authlines_read_text(all, &src, text);
}
