/*
 * ident.c - the lines of an ident file, and whom they let be whom.
 */
#include "auth/ident.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "auth/namepat.h"
#include "base/mem.h"

struct ident_line {
	const struct authlines_word *map, *system, *user;
	struct namepat *system_pattern; /* owned; NULL: to be taken as it is */
	struct namepat *user_pattern;   /* likewise */
	bool is_all;                    /* any user */
};

struct ident {
	atomic_uint refs;
	struct confmem mem;
	struct ident_line *lines; /* in mem */
	size_t count;
};

/* ---- reading --------------------------------------------------------------------------------- */

/* False: an expression was broken, which was reported. */
static bool ident_compile(struct authlines *all, const struct authlines_line *line,
			  const struct authlines_word *word, struct namepat **pattern)
{
	struct err err;
	if (word->text[0] != '/')
		return true;
	*pattern = namepat_new(word->text + 1, &err);
	if (!*pattern)
		authlines_fault(all, line->file, line->line, "the expression \"%s\": %s",
				word->text, err.text);
	return *pattern != NULL;
}

static void ident_check_user(struct authlines *all, const struct authlines_line *line,
			     const struct ident_line *l)
{
	if (!l->user->is_quoted && l->user->text[0] == '+')
		authlines_fault(all, line->file, line->line,
				"%s: who is a member of which role is not known here",
				l->user->text);
	else if (l->system_pattern && !l->user_pattern && !l->is_all &&
		 strstr(l->user->text, "\\1") && namepat_groups(l->system_pattern) == 0)
		authlines_fault(all, line->file, line->line,
				"\"%s\" has no ( ) that \\1 could stand for", l->system->text);
}

static void ident_read_line(struct authlines *all, const struct authlines_line *line,
			    struct ident_line *l)
{
	if (line->count != 3) {
		authlines_fault(all, line->file, line->line,
				"a line is MAP SYSTEM-NAME DATABASE-USER, and has %zu fields here",
				line->count);
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		if (line->fields[i].count == 1)
			continue;
		authlines_fault(all, line->file, line->line, "a list (\"%s,%s\") has no place here",
				line->fields[i].words[0].text, line->fields[i].words[1].text);
		return;
	}
	l->map = line->fields[0].words;
	l->system = line->fields[1].words;
	l->user = line->fields[2].words;
	l->is_all = authlines_is_keyword(l->user, "all");
	if (ident_compile(all, line, l->system, &l->system_pattern) &&
	    ident_compile(all, line, l->user, &l->user_pattern))
		ident_check_user(all, line, l);
}

static struct ident *ident_finish(struct ident *d, struct authlines *all)
{
	d->count = all->count;
	d->lines = confmem_alloc(&d->mem, (all->count + 1) * sizeof(*d->lines));
	for (size_t i = 0; i < all->count; i++)
		ident_read_line(all, &all->lines[i], &d->lines[i]);
	if (!all->has_faults)
		return d;
	ident_unref(d);
	return NULL;
}

static struct ident *ident_new(void)
{
	struct ident *d = mem_zalloc(sizeof(*d));
	atomic_init(&d->refs, 1);
	return d;
}

struct ident *ident_load(const char *path, authlines_report_fn report, void *arg)
{
	struct ident *d = ident_new();
	struct authlines all;
	authlines_init(&all, &d->mem, report, arg);
	authlines_load(&all, path);
	return ident_finish(d, &all);
}

struct ident *ident_parse(struct slice text, const char *name, authlines_report_fn report,
			  void *arg)
{
	struct ident *d = ident_new();
	struct authlines all;
	authlines_init(&all, &d->mem, report, arg);
	authlines_parse(&all, text, name);
	return ident_finish(d, &all);
}

struct ident *ident_ref(struct ident *d)
{
	if (d)
		atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
	return d;
}

void ident_unref(struct ident *d)
{
	if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < d->count; i++) {
		namepat_free(d->lines[i].system_pattern);
		namepat_free(d->lines[i].user_pattern);
	}
	confmem_fini(&d->mem);
	free(d);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Whether `user` is `text` with the first \1 in it replaced by `group`. */
static bool ident_is_expanded(const char *text, struct slice group, struct slice user)
{
	const char *at = strstr(text, "\\1");
	size_t before = (size_t)(at - text), after = strlen(at + 2);
	return group.ptr && user.len == before + group.len + after &&
	       memcmp(user.ptr, text, before) == 0 &&
	       slice_eq(slice_make(user.ptr + before, group.len), group) &&
	       memcmp(user.ptr + before + group.len, at + 2, after) == 0;
}

static enum namepat_result ident_fits(const struct ident_line *l, struct slice system_name,
				      struct slice user)
{
	struct slice group = SLICE_NONE;
	if (l->system_pattern) {
		enum namepat_result result = namepat_match(l->system_pattern, system_name, &group);
		if (result != NAMEPAT_YES)
			return result;
	} else if (!slice_eq_str(system_name, l->system->text)) {
		return NAMEPAT_NO;
	}
	if (l->is_all)
		return NAMEPAT_YES;
	if (l->user_pattern)
		return namepat_match(l->user_pattern, user, NULL);
	if (l->system_pattern && strstr(l->user->text, "\\1"))
		return ident_is_expanded(l->user->text, group, user) ? NAMEPAT_YES : NAMEPAT_NO;
	return slice_eq_str(user, l->user->text) ? NAMEPAT_YES : NAMEPAT_NO;
}

bool ident_allows(const struct ident *d, const char *map, struct slice system_name,
		  struct slice user)
{
	if (system_name.len == 0 || user.len == 0)
		return false;
	if (!map || !*map)
		return slice_eq(system_name, user);
	for (size_t i = 0; d && i < d->count; i++)
		if (strcmp(d->lines[i].map->text, map) == 0 &&
		    ident_fits(&d->lines[i], system_name, user) == NAMEPAT_YES)
			return true;
	return false;
}

bool ident_has_map(const struct ident *d, const char *map)
{
	for (size_t i = 0; d && i < d->count; i++)
		if (strcmp(d->lines[i].map->text, map) == 0)
			return true;
	return false;
}

size_t ident_count(const struct ident *d)
{
	return d->count;
}

void ident_describe(const struct ident *d, size_t i, struct buf *out)
{
	BUG_ON(i >= d->count);
	authlines_write_word(d->lines[i].map, out);
	buf_u8(out, ' ');
	authlines_write_word(d->lines[i].system, out);
	buf_u8(out, ' ');
	authlines_write_word(d->lines[i].user, out);
}
