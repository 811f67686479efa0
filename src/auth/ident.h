/*
 * ident.h - which user somebody may be whom the system or a certificate knows: auth_ident_file.
 *
 * The file is pg_ident.conf's own, read as PostgreSQL 16 reads it:
 *
 *	MAP  SYSTEM-NAME  DATABASE-USER
 *
 * SYSTEM-NAME may be /regex, whose first group \1 may stand in DATABASE-USER; that may be /regex
 * or all. A file with a fault is refused whole.
 *
 * Immutable, counted by reference.
 *
 * Thread: any; ident_load reads files.
 */
#ifndef AUTH_IDENT_H
#define AUTH_IDENT_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/authlines.h"
#include "base/buf.h"
#include "base/bug.h"
#include "base/slice.h"

struct ident;

/* NULL where there was any fault; all of them are reported. */
struct ident *ident_load(const char *path, authlines_report_fn report, void *arg) MUST_CHECK;
struct ident *ident_parse(struct slice text, const char *name, authlines_report_fn report,
			  void *arg) MUST_CHECK;
struct ident *ident_ref(struct ident *d); /* NULL stays NULL */
void ident_unref(struct ident *d);

/*
 * Whether the one whom the system calls `system_name` may log in as `user`. Without a map (NULL or
 * "") the two must be the same. `d` may be NULL: no file, and so no map.
 */
bool ident_allows(const struct ident *d, const char *map, struct slice system_name,
		  struct slice user) MUST_CHECK;

bool ident_has_map(const struct ident *d, const char *map); /* `d` may be NULL */

size_t ident_count(const struct ident *d);
void ident_describe(const struct ident *d, size_t i, struct buf *out); /* a line as it was read */

#endif
