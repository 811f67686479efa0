/*
 * calls.h - what is known of a name that stands before an opening parenthesis.
 *
 * A function goes by its name alone. One of PostgreSQL's own names that somebody has given to
 * a function of theirs too (with other argument types, or in a schema that the search_path
 * names before pg_catalog) counts as PostgreSQL's.
 *
 * Thread: any.
 */
#ifndef SQL_CALLS_H
#define SQL_CALLS_H

#include <stdbool.h>

#include "base/slice.h"

enum calls_kind {
	CALLS_NONE, /* not known: somebody's own function, which may do anything */
	CALLS_PURE, /* leaves nothing behind */
	CALLS_WORD, /* a keyword, not a call */
	CALLS_BOTH, /* a keyword, and a function that leaves nothing behind */
	CALLS_TYPE, /* a keyword, and maybe somebody's own function */
	CALLS_LOCK, /* takes an advisory lock for the session */
	CALLS_FREE, /* gives one back */
	CALLS_READ, /* reads what the session's last nextval was */
	CALLS_NEXT, /* changes that */
	CALLS_TELL, /* pg_notify */
	CALLS_HEAR, /* pg_listening_channels */
	CALLS_CONF, /* set_config */
	CALLS_LINK, /* connects somewhere, in a schema of anybody's */
	CALLS_SEED, /* setseed */
	CALLS_BIND, /* ties something to the backend that its end alone is sure to undo */
};

#define CALLS_NAME_BYTES 64 /* of an identifier, with a zero */

/* `name` is folded to small letters, as literal_name gives it. */
enum calls_kind calls_find(struct slice name);

/* Does the name need quotes where it shall be read as an identifier: is it a keyword other than an
 * unreserved one, or spelled so that it would be read as something else? */
bool calls_needs_quotes(struct slice name);

#endif
