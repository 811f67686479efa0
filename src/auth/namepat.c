/*
 * namepat.c - from PostgreSQL's regular expressions to POSIX extended ones, piece by piece.
 *
 * Every piece is read and written anew, so that nothing of the C library's own extensions can be
 * said by accident. `weight` is how large the compiled form becomes: a repeated piece is compiled
 * as often as it may be repeated.
 */
#include "auth/namepat.h"

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define NAMEPAT_MAX_DEPTH 32
#define NAMEPAT_MAX_WEIGHT 10000
#define NAMEPAT_MAX_REPEAT 255 /* PostgreSQL's own bound */

struct namepat {
	regex_t re;
};

struct namepat_scan {
	const char *at;
	struct buf out;
	struct err *err;
	size_t sums[NAMEPAT_MAX_DEPTH + 1]; /* the weight of what is open, by depth */
	unsigned depth;
	size_t atom; /* the weight of the last piece, in the sum already; 0: nothing to repeat */
};

static bool namepat_add_atom(struct namepat_scan *s, size_t weight)
{
	s->atom = weight;
	s->sums[s->depth] += weight;
	return s->sums[s->depth] <= NAMEPAT_MAX_WEIGHT ||
	       err_set(s->err, "the expression becomes too large");
}

/* ---- sets ------------------------------------------------------------------------------------ */

struct namepat_set {
	bool has[128];
};

struct namepat_class {
	const char *name;
	int (*is)(int);
};

/* clang-format off */
static const struct namepat_class namepat_classes[] = {
	{ "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank }, { "cntrl", iscntrl },
	{ "digit", isdigit }, { "graph", isgraph }, { "lower", islower }, { "print", isprint },
	{ "punct", ispunct }, { "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit },
};
/* clang-format on */

static bool namepat_set_class(struct namepat_set *set, const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(namepat_classes) / sizeof(*namepat_classes); i++) {
		const struct namepat_class *c = &namepat_classes[i];
		if (strlen(c->name) != len || memcmp(c->name, name, len) != 0)
			continue;
		for (int b = 1; b < 128; b++)
			set->has[b] |= c->is(b) != 0;
		return true;
	}
	return false;
}

/* \d, \s, \w */
static bool namepat_set_escape(struct namepat_set *set, char c)
{
	if (c == 'd')
		return namepat_set_class(set, "digit", 5);
	if (c == 's')
		return namepat_set_class(set, "space", 5);
	if (c != 'w')
		return false;
	set->has['_'] = true;
	return namepat_set_class(set, "alnum", 5);
}

/* The set as POSIX has it, each member for itself: ] first, - last, ^ anywhere but first. */
static void namepat_write_set(struct namepat_scan *s, const struct namepat_set *set, bool is_not)
{
	size_t start = buf_len(&s->out);
	buf_add_str(&s->out, is_not ? "[^" : "[");
	if (set->has[']'])
		buf_u8(&s->out, ']');
	for (int b = 1; b < 128; b++)
		if (set->has[b] && !strchr("]^-[", b))
			buf_u8(&s->out, (uint8_t)b);
	if (set->has['['])
		buf_u8(&s->out, '[');
	if (set->has['^'] && buf_len(&s->out) == start + 1) {
		buf_truncate(&s->out, start);
		buf_add_str(&s->out, set->has['-'] ? "[-^]" : "\\^");
		return;
	}
	if (set->has['^'])
		buf_u8(&s->out, '^');
	if (set->has['-'])
		buf_u8(&s->out, '-');
	buf_u8(&s->out, ']');
}

/* One member at s->at; *byte is it, or 0 where it was a class, which is in the set then. */
static bool namepat_take_member(struct namepat_scan *s, struct namepat_set *set, int *byte)
{
	const char *at = s->at;
	*byte = 0;
	if (*at == '\0')
		return err_set(s->err, "a [ without its ]");
	if (*at & 0x80)
		return err_set(s->err, "only ASCII may stand in [ ]");
	if (at[0] == '[' && (at[1] == ':' || at[1] == '.' || at[1] == '=')) {
		const char *end = strstr(at + 2, ":]");
		if (at[1] != ':' || !end || !namepat_set_class(set, at + 2, (size_t)(end - at - 2)))
			return err_set(s->err, "there is no such class as \"%.20s\"", at);
		s->at = end + 2;
		return true;
	}
	if (at[0] == '\\') {
		s->at = at + 2;
		if (namepat_set_escape(set, at[1]))
			return true;
		if (at[1] == '\0')
			return err_set(s->err, "a [ without its ]");
		if (!ispunct((unsigned char)at[1]) || (at[1] & 0x80))
			return err_set(s->err, "\\%c is not for use in [ ]", at[1]);
		*byte = at[1];
		return true;
	}
	*byte = *at;
	s->at = at + 1;
	return true;
}

static bool namepat_take_range(struct namepat_scan *s, struct namepat_set *set)
{
	int from, to;
	if (!namepat_take_member(s, set, &from))
		return false;
	to = from;
	if (s->at[0] == '-' && s->at[1] != ']' && s->at[1] != '\0') {
		s->at++;
		if (!namepat_take_member(s, set, &to))
			return false;
		if (from == 0 || to == 0 || to < from)
			return err_set(s->err, "a range in [ ] has no such ends");
	}
	for (int b = from; b && b <= to; b++)
		set->has[b] = true;
	return true;
}

/* From behind the [ to behind the ]. */
static bool namepat_take_set(struct namepat_scan *s)
{
	struct namepat_set set = { .has = { false } };
	bool is_not = *s->at == '^';
	s->at += is_not;
	do {
		if (!namepat_take_range(s, &set))
			return false;
	} while (*s->at != ']');
	s->at++;
	namepat_write_set(s, &set, is_not);
	return namepat_add_atom(s, 1);
}

/* ---- the other pieces -------------------------------------------------------------------------
 */

/* From behind the backslash. */
static bool namepat_take_escape(struct namepat_scan *s)
{
	struct namepat_set set = { .has = { false } };
	char c = *s->at;
	if (c == '\0')
		return err_set(s->err, "a backslash at the end");
	if (c & 0x80 || (!ispunct((unsigned char)c) && !strchr("dswDSW", c)))
		return err_set(s->err,
			       isdigit((unsigned char)c)
				       ? "back references (\\%c) are not possible here"
				       : "\\%c is not possible here",
			       c);
	s->at++;
	if (namepat_set_escape(&set, (char)tolower(c)) && isalpha((unsigned char)c)) {
		namepat_write_set(s, &set, isupper((unsigned char)c) != 0);
	} else if (strchr("^.[$()|*+?{\\", c)) {
		buf_u8(&s->out, '\\');
		buf_u8(&s->out, (uint8_t)c);
	} else {
		buf_u8(&s->out, (uint8_t)c);
	}
	return namepat_add_atom(s, 1);
}

static bool namepat_take_number(struct namepat_scan *s, unsigned *n)
{
	if (!isdigit((unsigned char)*s->at))
		return err_set(s->err, "a { without its numbers and }");
	for (*n = 0; isdigit((unsigned char)*s->at); s->at++)
		if ((*n = *n * 10 + (unsigned)(*s->at - '0')) > NAMEPAT_MAX_REPEAT)
			return err_set(s->err, "a {number} above %d", NAMEPAT_MAX_REPEAT);
	return true;
}

/* From behind the { to behind the }: how often at most. */
static bool namepat_take_bounds(struct namepat_scan *s, unsigned *most)
{
	unsigned least;
	if (!namepat_take_number(s, &least))
		return false;
	*most = least;
	buf_addf(&s->out, "{%u", least);
	if (*s->at == ',') {
		s->at++;
		buf_u8(&s->out, ',');
		*most = least + 1;
		if (*s->at != '}' && !namepat_take_number(s, most))
			return false;
		if (*most < least)
			return err_set(s->err, "a {number,number} whose second is the smaller");
		if (s->at[-1] != ',')
			buf_addf(&s->out, "%u", *most);
	}
	if (*s->at != '}')
		return err_set(s->err, "a { without its numbers and }");
	s->at++;
	buf_u8(&s->out, '}');
	return true;
}

static bool namepat_take_repeat(struct namepat_scan *s)
{
	unsigned most = 2;
	char c = *s->at++;
	if (s->atom == 0)
		return err_set(s->err, "nothing in front of %c that could be repeated", c);
	if (c != '{')
		buf_u8(&s->out, (uint8_t)c);
	else if (!namepat_take_bounds(s, &most))
		return false;
	if (*s->at && strchr("*+?", *s->at))
		return err_set(s->err, *s->at == '?' ? "non-greedy repeats are not possible here"
						     : "a repeat of a repeat");
	if (!namepat_add_atom(s, s->atom * (most ? most : 1)))
		return false;
	s->atom = 0;
	return true;
}

static bool namepat_take_open(struct namepat_scan *s)
{
	if (s->at[1] == '?')
		return err_set(s->err, "(?...) is not possible here");
	if (s->depth == NAMEPAT_MAX_DEPTH)
		return err_set(s->err, "more than %d parentheses deep", NAMEPAT_MAX_DEPTH);
	s->sums[++s->depth] = 1;
	s->atom = 0;
	buf_u8(&s->out, (uint8_t)*s->at++);
	return true;
}

static bool namepat_take_close(struct namepat_scan *s)
{
	if (s->depth == 0)
		return err_set(s->err, "a ) without its (");
	size_t weight = s->sums[s->depth--];
	buf_u8(&s->out, (uint8_t)*s->at++);
	return namepat_add_atom(s, weight);
}

static bool namepat_take_char(struct namepat_scan *s)
{
	char c = *s->at++;
	if (c == '{' || c == '}' || c == ']')
		buf_addf(&s->out, "[%c]", c);
	else
		buf_u8(&s->out, (uint8_t)c);
	return namepat_add_atom(s, 1);
}

static bool namepat_take_piece(struct namepat_scan *s)
{
	switch (*s->at) {
	case '[':
		s->at++;
		return namepat_take_set(s);
	case '\\':
		s->at++;
		return namepat_take_escape(s);
	case '(':
		return namepat_take_open(s);
	case ')':
		return namepat_take_close(s);
	case '^':
	case '$':
	case '|':
		s->atom = 0;
		buf_u8(&s->out, (uint8_t)*s->at++);
		return true;
	case '*':
	case '+':
	case '?':
		return namepat_take_repeat(s);
	case '{':
		return isdigit((unsigned char)s->at[1]) ? namepat_take_repeat(s)
							: namepat_take_char(s);
	default:
		return namepat_take_char(s);
	}
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static struct namepat *namepat_compile(const char *posix, struct err *err)
{
	struct namepat *p = mem_zalloc(sizeof(*p));
	int rc = regcomp(&p->re, posix, REG_EXTENDED);
	if (rc == 0)
		return p;
	char text[128];
	regerror(rc, &p->re, text, sizeof(text));
	err_set(err, "%s", text);
	free(p);
	return NULL;
}

struct namepat *namepat_new(const char *regex, struct err *err)
{
	struct namepat_scan s = { .at = regex, .err = err };
	struct namepat *p = NULL;
	bool ok = true;
	if (strlen(regex) > NAMEPAT_MAX_BYTES || strncmp(regex, "***", 3) == 0)
		ok = err_set(err, *regex == '*' ? "*** is not possible here"
						: "the expression is too long");
	while (ok && *s.at)
		ok = namepat_take_piece(&s);
	if (ok && s.depth)
		ok = err_set(err, "a ( without its )");
	if (ok)
		p = namepat_compile(buf_cstr(&s.out), err);
	buf_fini(&s.out);
	return p;
}

void namepat_free(struct namepat *p)
{
	if (p)
		regfree(&p->re);
	free(p);
}

enum namepat_result namepat_match(const struct namepat *p, struct slice name, struct slice *group)
{
	char text[NAMEPAT_MAX_NAME_BYTES + 1];
	regmatch_t at[2];
	if (group)
		*group = SLICE_NONE;
	if (name.len >= sizeof(text) || (name.len && memchr(name.ptr, '\0', name.len)))
		return NAMEPAT_ERROR;
	if (name.len)
		memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	int rc = regexec(&p->re, text, 2, at, 0);
	if (rc == REG_NOMATCH)
		return NAMEPAT_NO;
	if (rc != 0)
		return NAMEPAT_ERROR;
	if (group && p->re.re_nsub > 0 && at[1].rm_so >= 0)
		*group = slice_make(name.ptr + at[1].rm_so, (size_t)(at[1].rm_eo - at[1].rm_so));
	return NAMEPAT_YES;
}

size_t namepat_groups(const struct namepat *p)
{
	return p->re.re_nsub;
}
