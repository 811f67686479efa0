/*
 * filetext.h - a whole file that says who may do what, read once.
 *
 * Who can write such a file can let himself in, and who can read it may learn secrets. So
 * a file is refused that others may write: anybody, or a group that is neither root's nor the
 * process's own. Others are also whoever owns it, but for root and the user of the process; as
 * files often come into containers with an owner from outside, that is only worth a warning (and
 * none from root, who does not know yet as whom the process will run).
 *
 * One owner; the text lies in one block, so that growing leaves no copies behind, and
 * filetext_fini wipes it.
 *
 * Thread: any; reads files.
 */
#ifndef BASE_FILETEXT_H
#define BASE_FILETEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/slice.h"

struct filetext {
	char *data; /* owned */
	size_t len;
	size_t cap;
	dev_t device; /* which file it was */
	ino_t inode;
	bool is_readable_by_all;
	struct err warning; /* "" or what is doubtful about it */
};

/*
 * False: err says why, as in "FILE: cannot be opened: ...". With is_secret a file that anybody
 * may read is worth a warning. Regular files only, up to max_bytes.
 */
bool filetext_load(struct filetext *t, const char *path, bool is_secret, size_t max_bytes,
		   struct err *err) MUST_CHECK;
void filetext_fini(struct filetext *t);

struct slice filetext_slice(const struct filetext *t);

/* The same judgement of a file that somebody else reads (a key); warning may be "". */
bool filetext_check(const char *path, bool is_secret, struct err *err,
		    struct err *warning) MUST_CHECK;

#endif
