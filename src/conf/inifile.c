/*
 * inifile.c - lines of our own in front of inih.
 *
 * Debian's inih cuts a line at 200 bytes and takes its rest for another, begins a comment
 * at " ;" inside a value, splits at ":" and takes an indented line for more of the value above. So
 * it is handed neither our keys nor our values: all lines of all files are gathered here first, and
 * each is shown to inih as a short word that says which line it is:
 *
 *	[databases]                 [0]
 *	mydb = host=a:b ;c          1=1
 *
 * inih keeps what it is good at, the state of sections, keys and values over the stream, and what
 * it reports is looked up again by number. What a line looks like is decided here.
 */
#include "conf/inifile.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/faults.h"

enum inifile_kind {
	INIFILE_SECTION,
	INIFILE_PAIR,
};

struct inifile_line {
	enum inifile_kind kind;
	const char *name; /* of the section, or the key */
	const char *value;
	const char *file;
	int line;
};

/* A file that is being read, and who included it. */
struct inifile_file {
	const char *name;
	const struct inifile_file *above; /* NULL for the first */
	bool in_memory;
	dev_t device;
	ino_t inode;
};

struct inifile {
	struct confmem *mem;
	struct conf_faults *faults;
	struct inifile_line *lines;
	size_t count;
	size_t shown; /* to inih */
	struct inifile_entries *out;
};

static void inifile_file(struct inifile *r, const char *path, const struct inifile_file *above,
			 const char *at_file, int at_line);

static void inifile_add(struct inifile *r, struct inifile_line line)
{
	r->lines = confmem_grow(r->mem, r->lines, r->count, sizeof(line));
	r->lines[r->count++] = line;
}

/* ---- the shapes of a line -------------------------------------------------------------- */

static void inifile_section(struct inifile *r, const struct inifile_file *f, int line,
			    struct slice text)
{
	const char *end = memchr(text.ptr, ']', text.len);
	if (!end) {
		faults_add(r->faults, f->name, line, "a section without its ]");
		return;
	}
	struct slice inside = slice_make(text.ptr + 1, (size_t)(end - text.ptr) - 1);
	struct slice behind = slice_trim(slice_skip(text, inside.len + 2));
	if (behind.len > 0)
		faults_add(r->faults, f->name, line, "\"%.*s\" behind the section's ]",
			   SLICE_ARGS(slice_head(behind, 60)));
	inifile_add(r, (struct inifile_line){
			       .kind = INIFILE_SECTION,
			       .name = confmem_str(r->mem, slice_trim(inside)),
			       .file = f->name,
			       .line = line,
		       });
}

/* A quoted key: its text, and the length of it with its quotes; 0: no end. */
static size_t inifile_quoted(struct inifile *r, struct slice text, const char **key)
{
	char *to = confmem_alloc(r->mem, text.len);
	*key = to;
	for (size_t i = 1; i < text.len; i++) {
		if (text.ptr[i] != '"') {
			*to++ = text.ptr[i];
		} else if (i + 1 < text.len && text.ptr[i + 1] == '"') {
			*to++ = text.ptr[i++];
		} else {
			*to = '\0';
			return i + 1;
		}
	}
	return 0;
}

static void inifile_pair(struct inifile *r, const struct inifile_file *f, int line,
			 struct slice text)
{
	struct inifile_line pair = { .kind = INIFILE_PAIR, .file = f->name, .line = line };
	size_t quoted = 0;

	if (text.ptr[0] == '"' && (quoted = inifile_quoted(r, text, &pair.name)) == 0) {
		faults_add(r->faults, f->name, line, "a name without its closing quote");
		return;
	}
	struct slice rest = slice_skip(text, quoted);
	const char *equals = memchr(rest.ptr, '=', rest.len);
	if (!equals) {
		faults_add(r->faults, f->name, line, "\"%.*s\": not a section, not KEY = VALUE",
			   SLICE_ARGS(slice_head(text, 60)));
		return;
	}
	size_t before = (size_t)(equals - rest.ptr);
	struct slice key = slice_trim(slice_head(rest, before));
	if (quoted > 0 ? key.len > 0 : key.len == 0) {
		faults_add(r->faults, f->name, line,
			   quoted > 0 ? "something between the quoted name and its ="
				      : "nothing in front of the =");
		return;
	}
	if (quoted == 0)
		pair.name = confmem_str(r->mem, key);
	pair.value = confmem_str(r->mem, slice_trim(slice_skip(rest, before + 1)));
	inifile_add(r, pair);
}

/* The path as it is if absolute, else beside the file that names it; as PgBouncer has it,
 * under the working directory, if it is only there. */
static const char *inifile_beside(struct inifile *r, const char *file, struct slice path)
{
	const char *slash = strrchr(file, '/');
	const char *plain = confmem_str(r->mem, path);
	if (path.ptr[0] == '/' || !slash)
		return plain;

	size_t dir = (size_t)(slash - file) + 1;
	char *joined = confmem_alloc(r->mem, dir + path.len + 1);
	memcpy(joined, file, dir);
	memcpy(joined + dir, path.ptr, path.len);
	return access(joined, F_OK) != 0 && access(plain, F_OK) == 0 ? plain : joined;
}

static void inifile_directive(struct inifile *r, const struct inifile_file *f, int line,
			      struct slice text)
{
	static const char word[] = "%include";
	struct slice path = slice_skip(text, slice_starts(text, word) ? sizeof(word) - 1 : 0);

	if (path.len == text.len || (path.len > 0 && path.ptr[0] != ' ' && path.ptr[0] != '\t')) {
		faults_add(r->faults, f->name, line, "\"%.*s\": the only directive is %%include",
			   SLICE_ARGS(slice_head(text, 60)));
		return;
	}
	path = slice_trim(path);
	if (path.len == 0)
		faults_add(r->faults, f->name, line, "%%include without a file");
	else if (f->in_memory)
		faults_add(r->faults, f->name, line, "%%include has no place here");
	else
		inifile_file(r, inifile_beside(r, f->name, path), f, f->name, line);
}

static void inifile_line(struct inifile *r, const struct inifile_file *f, int line,
			 struct slice text)
{
	text = slice_trim(text);
	if (text.len == 0 || text.ptr[0] == ';' || text.ptr[0] == '#')
		return;
	if (memchr(text.ptr, '\0', text.len))
		faults_add(r->faults, f->name, line, "a zero byte");
	else if (text.ptr[0] == '[')
		inifile_section(r, f, line, text);
	else if (text.ptr[0] == '%')
		inifile_directive(r, f, line, text);
	else
		inifile_pair(r, f, line, text);
}

static void inifile_text(struct inifile *r, const struct inifile_file *f, struct slice text)
{
	if (slice_starts(text, "\xef\xbb\xbf"))
		text = slice_skip(text, 3);
	for (int line = 1; text.len > 0; line++) {
		const char *newline = memchr(text.ptr, '\n', text.len);
		size_t len = newline ? (size_t)(newline - text.ptr) : text.len;
		inifile_line(r, f, line, slice_head(text, len));
		text = slice_skip(text, newline ? len + 1 : len);
	}
}

/* ---- files --------------------------------------------------------------------------------- */

static bool inifile_slurp(int fd, struct buf *text, struct err *err)
{
	for (;;) {
		char *room = buf_reserve(text, 65536);
		if (!room)
			return err_set(err, "the file is too large");
		ssize_t n = read(fd, room, 65536);
		if (n == 0)
			return true;
		if (n < 0 && errno != EINTR)
			return err_set(err, "%s", strerror(errno));
		if (n > 0)
			buf_commit(text, (size_t)n);
	}
}

/* Is this file being read already, further up, or are there too many above it? */
static bool inifile_is_loop(const struct inifile_file *f, struct err *err)
{
	int depth = 1;
	for (const struct inifile_file *up = f->above; up; up = up->above, depth++) {
		if (up->device == f->device && up->inode == f->inode)
			return !err_set(err, "it includes itself");
		if (depth >= INIFILE_MAX_DEPTH)
			return !err_set(err, "more than %d files deep", INIFILE_MAX_DEPTH);
	}
	return false;
}

static bool inifile_open(struct inifile *r, struct inifile_file *f, struct err *err)
{
	int fd = open(f->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_set(err, "%s", strerror(errno));

	struct stat st;
	struct buf text;
	buf_init(&text, INIFILE_MAX_FILE_BYTES);
	bool ok = fstat(fd, &st) == 0 || err_set(err, "%s", strerror(errno));
	if (ok) {
		f->device = st.st_dev;
		f->inode = st.st_ino;
		ok = !S_ISDIR(st.st_mode) || err_set(err, "it is a directory");
	}
	ok = ok && !inifile_is_loop(f, err) && inifile_slurp(fd, &text, err);
	close(fd);
	if (ok)
		inifile_text(r, f, buf_slice(&text));
	mem_wipe(text.data, text.cap);
	buf_fini(&text);
	return ok;
}

static void inifile_file(struct inifile *r, const char *path, const struct inifile_file *above,
			 const char *at_file, int at_line)
{
	struct inifile_file f = { .name = path, .above = above };
	struct err err;
	if (!inifile_open(r, &f, &err))
		faults_add(r->faults, at_file, at_line, "cannot read %s: %s", path, err.text);
}

/* ---- inih --------------------------------------------------------------------------------------
 */

static char *inifile_show(char *str, int num, void *stream)
{
	struct inifile *r = stream;
	if (r->shown == r->count)
		return NULL;
	size_t i = r->shown++;
	snprintf(str, (size_t)num, r->lines[i].kind == INIFILE_SECTION ? "[%zu]\n" : "%zu=%zu\n", i,
		 i);
	return str;
}

static int inifile_on_pair(void *user, const char *section, const char *name, const char *value)
{
	struct inifile *r = user;
	const struct inifile_line *key = &r->lines[strtoul(name, NULL, 10)];
	const struct inifile_line *text = &r->lines[strtoul(value, NULL, 10)];

	if (!*section) {
		faults_add(r->faults, key->file, key->line, "\"%s\" stands before any section",
			   key->name);
		return 1;
	}
	struct inifile_entries *out = r->out;
	out->items = confmem_grow(r->mem, out->items, out->count, sizeof(*out->items));
	out->items[out->count++] = (struct inifile_entry){
		.section = r->lines[strtoul(section, NULL, 10)].name,
		.key = key->name,
		.value = text->value,
		.file = key->file,
		.line = key->line,
	};
	return 1;
}

static void inifile_parse(struct inifile *r)
{
	int rc = ini_parse_stream(inifile_show, r, inifile_on_pair, r);
	BUG_ON(rc != 0); /* it was shown nothing but what it reads */
}

void inifile_read_file(const char *path, struct confmem *mem, struct inifile_entries *out,
		       struct conf_faults *faults)
{
	struct inifile r = { .mem = mem, .faults = faults, .out = out };
	*out = (struct inifile_entries){ .items = NULL };
	path = confmem_str(mem, slice_of(path));
	inifile_file(&r, path, NULL, path, 0);
	inifile_parse(&r);
}

void inifile_read_memory(struct slice text, const char *name, struct confmem *mem,
			 struct inifile_entries *out, struct conf_faults *faults)
{
	struct inifile r = { .mem = mem, .faults = faults, .out = out };
	struct inifile_file f = { .name = confmem_str(mem, slice_of(name)), .in_memory = true };
	*out = (struct inifile_entries){ .items = NULL };
	inifile_text(&r, &f, text);
	inifile_parse(&r);
}
