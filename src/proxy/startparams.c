/*
 * startparams.c - sorting the parameters of a start-up packet.
 */
#include "proxy/startparams.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "proxy/paramset.h"
#include "sql/effect.h"
#include "wire/build.h"
#include "wire/reader.h"

#define STARTPARAMS_MAX_UNKNOWN 64
#define STARTPARAMS_NAME_BYTES 63 /* NAMEDATALEN - 1 */

static void startparams_pair(struct buf *to, struct slice name, struct slice value)
{
	buf_add_slice(to, name);
	buf_u8(to, 0);
	buf_add_slice(to, value);
	buf_u8(to, 0);
}

static char *startparams_get(const struct startup *packet, const char *name)
{
	struct slice value;
	return startup_get(packet, name, &value) ? slice_dup(value) : NULL;
}

/* PostgreSQL's words for a boolean, or "database". */
static bool startparams_is_replication(const struct startup *packet, struct slice *value)
{
	static const char *const off[] = { "false", "off", "no", "0", "f", "n" };
	if (!startup_get(packet, "replication", value))
		return false;
	for (size_t i = 0; i < COUNT_OF(off); i++)
		if (slice_ieq_str(*value, off[i]))
			return false;
	return true;
}

/* PGC_BACKEND and PGC_SU_BACKEND in PostgreSQL's guc_tables.c: fixed once a session runs. */
static bool startparams_is_backend_only(struct slice name)
{
	static const char *const names[] = { "ignore_system_indexes", "post_auth_delay",
					     "jit_debugging_support", "jit_profiling_support",
					     "log_connections",       "log_disconnections" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (slice_ieq_str(name, names[i]))
			return true;
	return false;
}

static bool startparams_setting(struct startparams *p, const struct conf *conf, struct slice name,
				struct slice value, struct err *err)
{
	if (conf_list_has_nocase(&conf->global.ignore_startup_parameters, name))
		return true;
	if (!paramset_name_is_valid(name))
		return err_set(err, "%.*s", SLICE_ARGS(slice_head(name, 64)));
	name = effect_newest_name(name);
	startparams_pair(startparams_is_backend_only(name) ? &p->startup : &p->settings, name,
			 value);
	return true;
}

static void startparams_option_word(struct buf *words, struct slice word)
{
	if (buf_len(words))
		buf_u8(words, ' ');
	for (size_t i = 0; i < word.len; i++) {
		if (strchr(" \t\n\r\v\f\\", word.ptr[i]))
			buf_u8(words, '\\');
		buf_u8(words, (uint8_t)word.ptr[i]);
	}
}

static bool startparams_options(struct startparams *p, const struct conf *conf, struct slice value,
				struct err *err)
{
	struct startup_options it;
	struct startup_option option;
	struct buf words = { 0 };
	bool ok = true;

	if (conf_list_has_nocase(&conf->global.ignore_startup_parameters, SLICE("options")))
		return true;
	startup_options_init(&it, value);
	while (ok && startup_options_next(&it, &option)) {
		if (option.is_setting)
			ok = startparams_setting(p, conf, option.name, option.value, err);
		else
			startparams_option_word(&words, option.name);
	}
	startup_options_fini(&it);
	if (buf_len(&words))
		startparams_pair(&p->startup, SLICE("options"), buf_slice(&words));
	buf_fini(&words);
	return ok;
}

static bool startparams_each(struct startparams *p, const struct startup *packet,
			     const struct conf *conf, bool is_replication, struct err *err)
{
	struct slice rest = packet->params, name, value;

	/* PostgreSQL applies them first, wherever they stand */
	if (!is_replication && startup_get(packet, "options", &value) &&
	    !startparams_options(p, conf, value, err))
		return false;
	while (startup_next(&rest, &name, &value)) {
		if (slice_eq_str(name, "user") || slice_eq_str(name, "database") ||
		    slice_eq_str(name, "replication"))
			continue;
		if (slice_starts(name, "_pq_.")) {
			if (p->unknown_count < STARTPARAMS_MAX_UNKNOWN) {
				p->unknown_count++;
				build_text(&p->unknown, name);
			}
		} else if (is_replication) {
			if (!slice_eq_str(name, "options") && !paramset_name_is_valid(name))
				return err_set(err, "%.*s", SLICE_ARGS(slice_head(name, 64)));
			startparams_pair(&p->startup, name, value);
		} else if (!slice_eq_str(name, "options") &&
			   !startparams_setting(p, conf, name, value, err)) {
			return false;
		}
	}
	return true;
}

static void startparams_cut(char *name)
{
	if (strlen(name) > STARTPARAMS_NAME_BYTES)
		name[STARTPARAMS_NAME_BYTES] = '\0';
}

/*
 * Names that reach the server are cut as it cuts them, before anybody judges who may go where by
 * them: else a longer name of the same would pass by the rules. What an entry of [databases] or its
 * user= stands in for does not reach it.
 */
static void startparams_cut_names(struct startparams *p, const struct conf *conf)
{
	const struct conf_database *db = conf_find_database(conf, slice_of(p->database));
	if (!db || strcmp(db->name, "*") == 0) {
		startparams_cut(p->database);
		db = conf_find_database(conf, slice_of(p->database));
	}
	if (!db || !*db->user)
		startparams_cut(p->user);
}

bool startparams_read(struct startparams *p, const struct startup *packet, const struct conf *conf,
		      struct err *err)
{
	struct slice replication;

	p->user = startparams_get(packet, "user");
	p->database = startparams_get(packet, "database");
	if (!p->user || !*p->user) {
		free(p->user);
		p->user = NULL;
		return err_set(err, "no user");
	}
	if (!p->database || !*p->database) {
		free(p->database);
		p->database = mem_strdup(p->user);
	}
	startparams_cut_names(p, conf);
	bool is_replication = startparams_is_replication(packet, &replication);
	if (is_replication)
		startparams_pair(&p->startup, SLICE("replication"), replication);
	return startparams_each(p, packet, conf, is_replication, err);
}

void startparams_fini(struct startparams *p)
{
	free(p->user);
	free(p->database);
	buf_fini(&p->startup);
	buf_fini(&p->settings);
	buf_fini(&p->unknown);
}

struct paramset *startparams_make_set(const struct startparams *p, struct paramset *empty)
{
	return paramset_of_pairs(empty, buf_slice(&p->settings));
}

void startparams_build_negotiation(const struct startparams *p, struct buf *out)
{
	struct slice names[STARTPARAMS_MAX_UNKNOWN];
	struct reader r;
	reader_init(&r, buf_slice(&p->unknown));
	for (unsigned i = 0; i < p->unknown_count; i++)
		names[i] = reader_cstr(&r);
	build_negotiate_version(out, STARTUP_VERSION(3, 0), names, p->unknown_count);
}
