/*
 * filetext.c - opens, judges and reads a file.
 */
#include "base/filetext.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static bool filetext_judge(const struct stat *st, bool is_secret, struct err *err,
			   struct err *warning)
{
	unsigned mode = st->st_mode & 07777;
	if (!S_ISREG(st->st_mode))
		return err_set(err, "is not a regular file");
	if (mode & S_IWOTH)
		return err_set(err, "can be written to by anybody (mode %03o): chmod o-w it", mode);
	if ((mode & S_IWGRP) && st->st_gid != 0 && st->st_gid != getegid())
		return err_set(err,
			       "can be written to by the group %u, which is not ours (mode %03o): "
			       "chmod g-w it",
			       (unsigned)st->st_gid, mode);
	if (is_secret && (mode & S_IROTH))
		err_set(warning, "can be read by anybody (mode %03o): chmod o-r it", mode);
	else if (st->st_uid != 0 && geteuid() != 0 && st->st_uid != geteuid())
		err_set(warning, "belongs to the user %u, who may change it", (unsigned)st->st_uid);
	return true;
}

/* Room for one byte more than the file had: that it stays free says that nothing was added. */
static bool filetext_read(struct filetext *t, int fd, size_t size, struct err *err)
{
	t->cap = size + 1;
	t->data = mem_alloc(t->cap);
	while (t->len < t->cap) {
		ssize_t n = read(fd, t->data + t->len, t->cap - t->len);
		if (n == 0)
			return true;
		if (n < 0 && errno != EINTR)
			return err_set(err, "cannot be read: %s", strerror(errno));
		if (n > 0)
			t->len += (size_t)n;
	}
	return err_set(err, "cannot be read: it grows");
}

static int filetext_open(const char *path, struct stat *st, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		err_set(err, "cannot be opened: %s", strerror(errno));
		return -1;
	}
	if (fstat(fd, st) == 0)
		return fd;
	err_set(err, "cannot be examined: %s", strerror(errno));
	close(fd);
	return -1;
}

bool filetext_load(struct filetext *t, const char *path, bool is_secret, size_t max_bytes,
		   struct err *err)
{
	struct stat st;
	*t = (struct filetext){ .data = NULL };
	int fd = filetext_open(path, &st, err);
	if (fd < 0)
		return false;
	bool ok = filetext_judge(&st, is_secret, err, &t->warning);
	if (ok && (uintmax_t)st.st_size > max_bytes)
		ok = err_set(err, "is larger than %zu bytes", max_bytes);
	ok = ok && filetext_read(t, fd, (size_t)st.st_size, err);
	close(fd);
	t->device = st.st_dev;
	t->inode = st.st_ino;
	t->is_readable_by_all = st.st_mode & S_IROTH;
	if (!ok)
		filetext_fini(t);
	return ok;
}

void filetext_fini(struct filetext *t)
{
	if (t->data)
		mem_wipe(t->data, t->cap);
	free(t->data);
	t->data = NULL;
	t->len = t->cap = 0;
}

struct slice filetext_slice(const struct filetext *t)
{
	return slice_make(t->data, t->len);
}

bool filetext_check(const char *path, bool is_secret, struct err *err, struct err *warning)
{
	struct stat st;
	warning->text[0] = '\0';
	int fd = filetext_open(path, &st, err);
	if (fd < 0)
		return false;
	close(fd);
	return filetext_judge(&st, is_secret, err, warning);
}
