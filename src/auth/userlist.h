/*
 * userlist.h - the users of auth_file and their secrets, in PgBouncer's userlist.txt format.
 *
 *	"name" "secret"
 *
 * One user a line; a quote inside is written twice; what follows the second string on the
 * line is ignored, and so are empty lines and those that begin with ';' or '#'. The last
 * line for a name counts. A file with a fault is refused whole.
 *
 * Immutable, counted by reference; every secret is wiped with the last reference to it.
 *
 * Thread: any; userlist_load reads a file.
 */
#ifndef AUTH_USERLIST_H
#define AUTH_USERLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/secret.h"
#include "base/bug.h"
#include "base/slice.h"

#define USERLIST_MAX_NAME_BYTES 255
#define USERLIST_MAX_SECRET_BYTES 4096
#define USERLIST_MAX_FILE_BYTES ((size_t)64 << 20)

struct userlist;

/* is_fault: the file is refused for it; otherwise a warning. line 0: about the file itself. */
typedef void (*userlist_report_fn)(void *arg, bool is_fault, unsigned line, const char *text);

/*
 * NULL where there was any fault; all of them are reported. `previous` (borrowed, may be
 * NULL) gives its secrets to users whose line has not changed, with what was computed for them.
 */
struct userlist *userlist_load(const char *path, const struct userlist *previous,
			       userlist_report_fn report, void *arg) MUST_CHECK;
struct userlist *userlist_parse(struct slice text, const struct userlist *previous,
				userlist_report_fn report, void *arg) MUST_CHECK;
struct userlist *userlist_new(void) MUST_CHECK; /* with nobody in it */
struct userlist *userlist_ref(struct userlist *u);
void userlist_unref(struct userlist *u);

/* Borrowed from the list, or NULL: no such user. */
struct secret *userlist_get(const struct userlist *u, struct slice name);

size_t userlist_count(const struct userlist *u);
struct slice userlist_name_at(const struct userlist *u, size_t i); /* in byte order */
struct secret *userlist_secret_at(const struct userlist *u, size_t i);

/* Whether most of the secrets are SCRAM's: what somebody unknown is made to look like. */
bool userlist_is_mostly_scram(const struct userlist *u);

/* How many iterations most of the SCRAM secrets have, if most have the same; SCRAM_ITERATIONS where
 * there is none. */
uint32_t userlist_usual_iterations(const struct userlist *u);

#endif
