/*
 * confbuild.h - from entries to a snapshot.
 *
 * Thread: any; nothing is kept.
 */
#ifndef CONF_CONFBUILD_H
#define CONF_CONFBUILD_H

#include <stdatomic.h>

#include "base/map.h"
#include "conf/conf.h"
#include "conf/confmem.h"
#include "conf/inifile.h"
#include "conf/setting.h"

/* What a database or a user sets for itself. */
struct conf_own {
	struct conf_pool values;
	bool *is_set; /* by place in setting_table */
};

/* What a snapshot has that is nobody else's business. */
struct conf_inner {
	atomic_size_t refs;
	struct confmem mem; /* all that the snapshot is made of, itself and its faults excepted */
	struct inifile_entries entries;
	struct conf_pool pool; /* what holds where neither database nor user has a word */
	struct map databases;  /* to struct conf_database; "*" too */
	struct map users;      /* to struct conf_user */
};

/* Fills an empty snapshot from inner->entries; faults and notes are added. */
void confbuild_run(struct conf *conf, struct conf_faults *faults);

#endif
