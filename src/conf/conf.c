/*
 * conf.c - snapshots: made, held, searched, compared.
 */
#include "conf/conf.h"

#include <stdlib.h>

#include "base/mem.h"
#include "conf/confbuild.h"
#include "conf/faults.h"
#include "conf/value.h"

#define CONF_WORD_(value, word) word,
static const char *const conf_pool_modes[] = { CONF_POOL_MODE_WORDS(CONF_WORD_) };
static const char *const conf_auth_types[] = { CONF_AUTH_TYPE_WORDS(CONF_WORD_) };
static const char *const conf_sslmodes[] = { CONF_SERVER_TLS_SSLMODE_WORDS(CONF_WORD_) };

const char *conf_pool_mode_name(enum conf_pool_mode mode)
{
	return conf_pool_modes[mode];
}

const char *conf_auth_type_name(enum conf_auth_type type)
{
	return conf_auth_types[type];
}

const char *conf_sslmode_name(enum conf_server_tls_sslmode mode)
{
	return conf_sslmodes[mode];
}

bool conf_list_has(const struct conf_list *list, struct slice item)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_eq_str(item, list->items[i]))
			return true;
	return false;
}

bool conf_list_has_nocase(const struct conf_list *list, struct slice item)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_ieq_str(item, list->items[i]))
			return true;
	return false;
}

void conf_faults_init(struct conf_faults *faults)
{
	*faults = (struct conf_faults){ .items = NULL };
}

void conf_faults_fini(struct conf_faults *faults)
{
	faults_fini(faults);
}

/* ---- a life ----------------------------------------------------------------------------- */

static struct conf *conf_new(const char *path)
{
	struct conf *conf = mem_zalloc(sizeof(*conf));
	conf->inner = mem_zalloc(sizeof(*conf->inner));
	atomic_init(&conf->inner->refs, 1);
	conf->path = confmem_str(&conf->inner->mem, slice_of(path));
	return conf;
}

struct conf *conf_ref(struct conf *conf)
{
	atomic_fetch_add_explicit(&conf->inner->refs, 1, memory_order_relaxed);
	return conf;
}

void conf_unref(struct conf *conf)
{
	if (!conf || atomic_fetch_sub_explicit(&conf->inner->refs, 1, memory_order_acq_rel) > 1)
		return;
	map_fini(&conf->inner->databases);
	map_fini(&conf->inner->users);
	faults_fini(&conf->notes);
	confmem_fini(&conf->inner->mem);
	free(conf->inner);
	free(conf);
}

/* The snapshot, if nothing was wrong before nor is now. */
static struct conf *conf_build(struct conf *conf, struct conf_faults *faults)
{
	confbuild_run(conf, faults);
	if (faults->count == 0)
		return conf;
	conf_unref(conf);
	return NULL;
}

struct conf *conf_load(const char *path, struct conf_faults *faults)
{
	struct conf *conf = conf_new(path);
	conf_faults_init(faults);
	inifile_read_file(path, &conf->inner->mem, &conf->inner->entries, faults);
	return conf_build(conf, faults);
}

struct conf *conf_parse(struct slice text, const char *name, struct conf_faults *faults)
{
	struct conf *conf = conf_new(name);
	conf_faults_init(faults);
	inifile_read_memory(text, name, &conf->inner->mem, &conf->inner->entries, faults);
	return conf_build(conf, faults);
}

/* ---- the console's SET ------------------------------------------------------------------- */

static struct inifile_entry conf_copy_entry(struct confmem *mem, const struct inifile_entry *e)
{
	return (struct inifile_entry){
		.section = confmem_str(mem, slice_of(e->section)),
		.key = confmem_str(mem, slice_of(e->key)),
		.value = confmem_str(mem, slice_of(e->value)),
		.file = confmem_str(mem, slice_of(e->file)),
		.line = e->line,
	};
}

/* The same entries and one more, which stands last and so holds. */
static struct conf *conf_with(const struct conf *conf, const struct setting *s, struct slice key,
			      struct slice value)
{
	struct conf *copy = conf_new(conf->path);
	struct confmem *mem = &copy->inner->mem;
	const struct inifile_entries *from = &conf->inner->entries;
	struct inifile_entries *to = &copy->inner->entries;

	to->items = confmem_alloc(mem, (from->count + 1) * sizeof(*to->items));
	for (size_t i = 0; i < from->count; i++) {
		const struct inifile_entry *e = &from->items[i];
		bool is_inverse;
		bool is_old_word =
			e->line == 0 && setting_find(slice_of(e->key), SETTING_G, &is_inverse) == s;
		if (!is_old_word)
			to->items[to->count++] = conf_copy_entry(mem, e);
	}
	to->items[to->count++] = (struct inifile_entry){
		.section = conf->is_pgbouncer ? "pgbouncer" : "pgweir",
		.key = confmem_str(mem, key),
		.value = confmem_str(mem, value),
		.file = "SET",
	};
	return copy;
}

struct conf *conf_set(const struct conf *conf, struct slice key, struct slice value,
		      struct err *err)
{
	bool is_inverse;
	const struct setting *s = setting_find(key, SETTING_G, &is_inverse);

	if (!s) {
		err_set(err, "unknown setting \"%.*s\"", SLICE_ARGS(slice_head(key, 60)));
		return NULL;
	}
	if (s->kind != SETTING_RELOAD) {
		err_set(err, "%s cannot be changed while running", s->name);
		return NULL;
	}
	struct conf_faults faults;
	conf_faults_init(&faults);
	struct conf *changed = conf_build(conf_with(conf, s, key, value), &faults);
	if (!changed)
		err_set(err, "%s", faults.items[0].text);
	faults_fini(&faults);
	return changed;
}

/* ---- looking up ------------------------------------------------------------------------------ */

const struct conf_database *conf_find_database(const struct conf *conf, struct slice name)
{
	const struct conf_database *db = map_get(&conf->inner->databases, name);
	return db ? db : map_get(&conf->inner->databases, SLICE("*"));
}

const struct conf_user *conf_find_user(const struct conf *conf, struct slice name)
{
	return map_get(&conf->inner->users, name);
}

static void conf_lay_over(struct conf_pool *pool, const struct conf_own *own)
{
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &setting_table[i];
		if (own->is_set[i])
			memcpy((char *)pool + s->pool_at, (const char *)&own->values + s->pool_at,
			       value_size(s->type));
	}
}

void conf_resolve(const struct conf *conf, const struct conf_database *database,
		  const struct conf_user *user, struct conf_pool *out)
{
	*out = conf->inner->pool;
	if (database)
		conf_lay_over(out, database->own);
	if (user)
		conf_lay_over(out, user->own);
}

size_t conf_diff_restart(const struct conf *running, const struct conf *wanted, struct buf *names)
{
	size_t count = 0;
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &setting_table[i];
		struct buf a = { .data = NULL }, b = { .data = NULL };
		if (!s->name || s->kind != SETTING_RESTART || s->global_at < 0)
			continue;
		value_format(s, (const char *)&running->global + s->global_at, &a);
		value_format(s, (const char *)&wanted->global + s->global_at, &b);
		if (!slice_eq(buf_slice(&a), buf_slice(&b)))
			buf_addf(names, "%s%s", count++ > 0 ? ", " : "", s->name);
		buf_fini(&a);
		buf_fini(&b);
	}
	return count;
}
