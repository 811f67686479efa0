/*
 * fuzz_ini.c - a configuration: read, checked, resolved, changed.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/bug.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every database with every user, and each by its name. */
static void resolve_all(const struct conf *conf)
{
	struct conf_pool pool;
	for (size_t d = 0; d < conf->database_count && d < 8; d++) {
		const struct conf_database *db = &conf->databases[d];
		BUG_ON(conf_find_database(conf, slice_of(db->name)) != db);
		for (size_t u = 0; u < conf->user_count && u < 8; u++) {
			const struct conf_user *user = &conf->users[u];
			BUG_ON(conf_find_user(conf, slice_of(user->name)) != user);
			conf_resolve(conf, db, user, &pool);
			BUG_ON(pool.pool_size < 0 || pool.max_overflow < -1);
			BUG_ON(!pool.connect_query || !pool.server_reset_query);
		}
	}
}

static void change(const struct conf *conf)
{
	struct err err;
	struct conf *other = conf_set(conf, SLICE("default_pool_size"), SLICE("77"), &err);
	BUG_ON(!other || other->global.pool_size != 77);
	BUG_ON(other->database_count != conf->database_count);
	struct buf names = { .data = NULL };
	BUG_ON(conf_diff_restart(conf, other, &names) != 0);
	buf_fini(&names);
	conf_unref(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_faults faults;
	struct conf *conf = conf_parse(slice_make(data, size), "fuzz.ini", &faults);
	BUG_ON((conf == NULL) != (faults.count > 0));
	if (conf) {
		resolve_all(conf);
		change(conf);
	}
	conf_unref(conf);
	conf_faults_fini(&faults);
	return 0;
}
