/*
 * hbaline.h - one line of an HBA file: its words checked, and made ready to be held against
 * connections.
 *
 * All is in the confmem that was passed in, but for compiled patterns: hbaline_fini.
 *
 * Thread: any.
 */
#ifndef AUTH_HBALINE_H
#define AUTH_HBALINE_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/authlines.h"
#include "auth/hba.h"
#include "auth/namepat.h"
#include "net/netblock.h"

enum hbaline_name_kind {
	HBALINE_ALL,
	HBALINE_SAMEUSER,
	HBALINE_REPLICATION,
	HBALINE_PATTERN,
	HBALINE_LITERAL,
};

struct hbaline_name {
	enum hbaline_name_kind kind;
	const struct authlines_word *word; /* as it was written */
	struct namepat *pattern;           /* owned; of PATTERN */
};

struct hbaline_names {
	struct hbaline_name *items;
	size_t count;
};

/* Whom a rule fits. */
struct hba_scope {
	struct hbaline_names databases;
	struct hbaline_names users;
	bool any_address;
	const struct netblock *nets;
	size_t net_count;
	const char *address; /* all, samehost or samenet, or the one network; "" of local */
	const struct authlines_field *options; /* as they were written */
	size_t option_count;
};

/* False: what is wrong was reported to `all`. */
bool hbaline_read(struct authlines *all, const struct authlines_line *line,
		  struct hba_rule *rule) MUST_CHECK;
void hbaline_fini(struct hba_rule *rule);

#endif
