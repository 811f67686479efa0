/*
 * confbuild.c - every entry put where it belongs, or a fault that says why not.
 *
 * First the dialect, for it decides the defaults; then the defaults, then the entries one by one;
 * last what takes the whole to judge.
 */
#include "conf/confbuild.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conninfo.h"
#include "conf/credential.h"
#include "conf/faults.h"
#include "conf/protocols.h"
#include "conf/value.h"

#define CONFBUILD_NAME_MAX 4096 /* bytes in a name of a database or user */

struct confbuild {
	struct conf *conf;
	struct confmem *mem;
	struct conf_faults *faults;
	struct conf_database *databases;
	struct conf_user *users;
	const struct inifile_entry **said; /* of [pgweir], by place in setting_table: the last */
};

static size_t confbuild_place(const struct setting *s)
{
	return (size_t)(s - setting_table);
}

static bool confbuild_is_main(const char *section)
{
	return strcmp(section, "pgweir") == 0 || strcmp(section, "pgbouncer") == 0;
}

/* ---- defaults ----------------------------------------------------------------------------- */

static const char *confbuild_default(const struct conf *conf, const struct setting *s)
{
	return conf->is_pgbouncer ? s->pgbouncer_def : s->def;
}

/* Both where the row has a field in [pgweir] and where it has one in a pool. */
static void confbuild_put(struct conf *conf, const struct setting *s, const void *value)
{
	if (s->global_at >= 0)
		memcpy((char *)&conf->global + s->global_at, value, value_size(s->type));
	if (s->pool_at >= 0)
		memcpy((char *)&conf->inner->pool + s->pool_at, value, value_size(s->type));
}

static void confbuild_defaults(struct confbuild *b)
{
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &setting_table[i];
		struct conf_list value; /* the largest of all types */
		struct err err;
		if (!s->name || (s->global_at < 0 && s->pool_at < 0))
			continue;
		bool ok = value_parse(s, slice_of(confbuild_default(b->conf, s)), &value, b->mem,
				      &err);
		BUG_ON(!ok);
		confbuild_put(b->conf, s, &value);
	}
}

/* ---- a setting, wherever it stands -------------------------------------------------------------
 */

static bool confbuild_is_safe(const struct setting *s, const char *value)
{
	struct slice word;
	if (!*value)
		return true;
	for (const char *at = s->extras.safe; setting_next_word(&at, &word);)
		if (slice_ieq_str(word, value))
			return true;
	return false;
}

/* Known and without a field: a note, or a fault. */
static void confbuild_idle(struct confbuild *b, const struct setting *s,
			   const struct inifile_entry *e, const char *key, const char *value)
{
	if (s->kind == SETTING_REFUSED) {
		if (!confbuild_is_safe(s, value))
			faults_add(b->faults, e->file, e->line,
				   "%s%s%s is not supported by this version", key,
				   s->extras.safe ? " = " : "", s->extras.safe ? value : "");
	} else if (strcmp(value, s->pgbouncer_def) != 0) {
		faults_add(&b->conf->notes, e->file, e->line, "%s has no effect here", key);
	}
}

static bool confbuild_ends(const char *name, const char *with)
{
	size_t n = strlen(name), end = strlen(with);
	return n >= end && strcmp(name + n - end, with) == 0;
}

/* Reads the value into `value`; false: there is a fault, or nothing to keep. */
static bool confbuild_value(struct confbuild *b, const struct setting *s, bool is_inverse,
			    const struct inifile_entry *e, const char *key, const char *text,
			    void *value)
{
	struct err err;
	if (s->kind == SETTING_IGNORED || s->kind == SETTING_REFUSED) {
		confbuild_idle(b, s, e, key, text);
		return false;
	}
	if (confbuild_ends(s->name, "_file"))
		text = credential_path(text, b->mem, &err);
	if (!text || !value_parse(s, slice_of(text), value, b->mem, &err)) {
		faults_add(b->faults, e->file, e->line, "%s: %s", key, err.text);
		return false;
	}
	if (is_inverse)
		*(bool *)value = !*(bool *)value;
	return true;
}

static void confbuild_unknown(struct confbuild *b, const struct inifile_entry *e, const char *key,
			      enum setting_scope place)
{
	bool is_inverse;
	const char *near = setting_nearest(slice_of(key), place);
	if (!near && place == SETTING_D)
		near = conninfo_nearest(slice_of(key));
	if (setting_find(slice_of(key), SETTING_GDU, &is_inverse))
		faults_add(b->faults, e->file, e->line, "%s cannot be set in [%s]", key,
			   e->section);
	else if (near)
		faults_add(b->faults, e->file, e->line,
			   "unknown setting \"%.60s\"; did you mean \"%s\"?", key, near);
	else
		faults_add(b->faults, e->file, e->line, "unknown setting \"%.60s\"", key);
}

/* ---- [pgweir] ---------------------------------------------------------------------------------
 */

static void confbuild_main(struct confbuild *b, const struct inifile_entry *e)
{
	bool is_inverse;
	struct conf_list value;
	const struct setting *s = setting_find(slice_of(e->key), SETTING_G, &is_inverse);

	if (!s) {
		confbuild_unknown(b, e, e->key, SETTING_G);
		return;
	}
	const struct inifile_entry **said = &b->said[confbuild_place(s)];
	if (*said && e->line > 0)
		faults_add(&b->conf->notes, e->file, e->line,
			   "%s was set before, in line %d of %s; this one holds", e->key,
			   (*said)->line, (*said)->file);
	*said = e;
	if (confbuild_value(b, s, is_inverse, e, e->key, e->value, &value))
		confbuild_put(b->conf, s, &value);
}

/* ---- [databases] and [users]
 * ---------------------------------------------------------------------- */

static struct conf_own *confbuild_own_new(struct confbuild *b)
{
	struct conf_own *own = confmem_alloc(b->mem, sizeof(*own));
	own->is_set = confmem_alloc(b->mem, setting_count * sizeof(bool));
	return own;
}

/* A setting of its own; false: there is none of that name. */
static bool confbuild_own(struct confbuild *b, struct conf_own *own, enum setting_scope place,
			  const struct inifile_entry *e, const struct conf_param *pair)
{
	bool is_inverse;
	struct conf_list value;
	const struct setting *s = setting_find(slice_of(pair->key), place, &is_inverse);

	if (!s)
		return false;
	if (confbuild_value(b, s, is_inverse, e, pair->key, pair->value, &value)) {
		memcpy((char *)&own->values + s->pool_at, &value, value_size(s->type));
		own->is_set[confbuild_place(s)] = true;
	}
	return true;
}

static void confbuild_param(struct confbuild *b, struct conf_database *db, struct conf_param pair)
{
	struct conf_param *params = (struct conf_param *)db->params;
	for (size_t i = 0; i < db->param_count; i++)
		if (strcmp(params[i].key, pair.key) == 0) {
			params[i] = pair; /* as in libpq, the last holds */
			return;
		}
	params = confmem_grow(b->mem, params, db->param_count, sizeof(pair));
	params[db->param_count++] = pair;
	db->params = params;
}

/* What the value stands for, where it is a credential. False: there is a fault. */
static bool confbuild_credential(struct confbuild *b, const struct inifile_entry *e,
				 struct conf_param *pair)
{
	static const char *const files[] = { "passfile", "sslkey", "sslcert", "sslrootcert",
					     "sslcrl" };
	struct err err;
	if (strcmp(pair->key, "password") == 0)
		pair->value = credential_read(pair->value, b->mem, &err);
	for (size_t i = 0; i < COUNT_OF(files); i++)
		if (strcmp(pair->key, files[i]) == 0)
			pair->value = credential_path(pair->value, b->mem, &err);
	if (!pair->value)
		faults_add(b->faults, e->file, e->line, "%s: %s", pair->key, err.text);
	return pair->value != NULL;
}

/* What pgweir decides itself: it logs in to servers without GSSAPI, and says who is asking. */
static bool confbuild_is_ours(const char *key)
{
	static const char *const ours[] = { "replication", "fallback_application_name",
					    "gssencmode",  "krbsrvname",
					    "gsslib",      "gssdelegation",
					    "service",     "servicefile" };
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		if (strcmp(key, ours[i]) == 0)
			return true;
	}
	return false;
}

/* A keyword of libpq's; false: it is none. */
static bool confbuild_keyword(struct confbuild *b, struct conf_database *db,
			      const struct inifile_entry *e, struct conf_param *pair)
{
	if (confbuild_is_ours(pair->key)) {
		faults_add(b->faults, e->file, e->line, "%s cannot be set in [databases]",
			   pair->key);
		return true;
	}
	if (!conninfo_is_keyword(slice_of(pair->key)))
		return false;
	if (!confbuild_credential(b, e, pair))
		return true;
	if (strcmp(pair->key, "dbname") == 0) {
		db->dbname = pair->value;
	} else if (strcmp(pair->key, "user") == 0) {
		db->user = pair->value;
	} else if (strcmp(pair->key, "password") == 0) {
		db->password = pair->value;
	} else {
		if (strcmp(pair->key, "host") == 0)
			db->host = pair->value;
		else if (strcmp(pair->key, "port") == 0)
			db->port = pair->value;
		confbuild_param(b, db, *pair);
	}
	return true;
}

static bool confbuild_pairs(struct confbuild *b, const struct inifile_entry *e,
			    struct conf_param **pairs, size_t *count)
{
	struct err err;
	if (conninfo_parse(slice_of(e->value), !b->conf->is_pgbouncer, b->mem, pairs, count, &err))
		return true;
	faults_add(b->faults, e->file, e->line, "%.60s: %s", e->key, err.text);
	return false;
}

/* May there be one of this name? */
static bool confbuild_is_new(struct confbuild *b, const struct inifile_entry *e,
			     const struct map *names, const char *what)
{
	if (map_get(names, slice_of(e->key)))
		faults_add(b->faults, e->file, e->line, "%s \"%.60s\" is there twice", what,
			   e->key);
	else if (strlen(e->key) > CONFBUILD_NAME_MAX)
		faults_add(b->faults, e->file, e->line, "a name of more than %d bytes",
			   CONFBUILD_NAME_MAX);
	else
		return true;
	return false;
}

static void confbuild_database(struct confbuild *b, const struct inifile_entry *e)
{
	struct conf_own *own = confbuild_own_new(b);
	struct conf_database *db = confmem_alloc(b->mem, sizeof(*db));
	struct conf_param *pairs;
	size_t count;

	*db = (struct conf_database){ .name = e->key, .own = own };
	db->dbname = db->user = db->password = db->host = db->port = "";
	if (!confbuild_is_new(b, e, &b->conf->inner->databases, "database"))
		return;
	map_put(&b->conf->inner->databases, slice_of(db->name), db);
	if (strcmp(db->name, "pgweir") == 0 || strcmp(db->name, "pgbouncer") == 0)
		faults_add(b->faults, e->file, e->line, "\"%s\" is the name of the console",
			   db->name);
	if (!confbuild_pairs(b, e, &pairs, &count))
		return;
	for (size_t i = 0; i < count; i++)
		if (!confbuild_own(b, own, SETTING_D, e, &pairs[i]) &&
		    !confbuild_keyword(b, db, e, &pairs[i]))
			confbuild_unknown(b, e, pairs[i].key, SETTING_D);
	if (!*db->dbname && strcmp(db->name, "*") != 0)
		db->dbname = db->name;
	b->conf->database_count++;
}

static void confbuild_user(struct confbuild *b, const struct inifile_entry *e)
{
	struct conf_own *own = confbuild_own_new(b);
	struct conf_user *user = confmem_alloc(b->mem, sizeof(*user));
	struct conf_param *pairs;
	size_t count;

	*user = (struct conf_user){ .name = e->key, .own = own };
	if (!confbuild_is_new(b, e, &b->conf->inner->users, "user") ||
	    !confbuild_pairs(b, e, &pairs, &count))
		return;
	map_put(&b->conf->inner->users, slice_of(user->name), user);
	for (size_t i = 0; i < count; i++)
		if (!confbuild_own(b, own, SETTING_U, e, &pairs[i]))
			confbuild_unknown(b, e, pairs[i].key, SETTING_U);
	b->conf->user_count++;
}

/* ---- the whole
 * ---------------------------------------------------------------------------------------- */

static void confbuild_entry(struct confbuild *b, const struct inifile_entry *e)
{
	if (confbuild_is_main(e->section))
		confbuild_main(b, e);
	else if (strcmp(e->section, "databases") == 0)
		confbuild_database(b, e);
	else if (strcmp(e->section, "users") == 0)
		confbuild_user(b, e);
	else if (strcmp(e->section, "peers") == 0)
		faults_add(&b->conf->notes, e->file, e->line, "[peers] has no effect here");
	else
		faults_add(b->faults, e->file, e->line,
			   "unknown section [%.60s]; there are [pgweir], [pgbouncer], [databases] "
			   "and [users]",
			   e->section);
}

/* [pgweir] or [pgbouncer]: one decides the defaults, so there cannot be both. */
static void confbuild_dialect(struct confbuild *b)
{
	const struct inifile_entries *entries = &b->conf->inner->entries;
	const char *first = NULL;
	for (size_t i = 0; i < entries->count; i++) {
		const struct inifile_entry *e = &entries->items[i];
		if (!confbuild_is_main(e->section))
			continue;
		if (!first) {
			first = e->section;
			b->conf->is_pgbouncer = strcmp(first, "pgbouncer") == 0;
		} else if (strcmp(first, e->section) != 0) {
			faults_add(b->faults, e->file, e->line,
				   "there is [%s] already; it is one or the other", first);
			return;
		}
	}
}

/* What server_tls_* say holds where a database says nothing of its own. */
static void confbuild_server_tls(struct confbuild *b, struct conf_database *db)
{
	const struct conf_global *g = &b->conf->global;
	unsigned versions = protocols_parse(slice_of(g->server_tls_protocols));
	const struct conf_param wanted[] = {
		{ "sslmode", conf_sslmode_name(g->server_tls_sslmode) },
		{ "sslrootcert", g->server_tls_ca_file },
		{ "sslcert", g->server_tls_cert_file },
		{ "sslkey", g->server_tls_key_file },
		{ "sslcrl", g->server_tls_crl_file },
		{ "ssl_min_protocol_version", protocols_least(versions) },
		{ "ssl_max_protocol_version",
		  versions == PROTOCOLS_SECURE ? "" : protocols_most(versions) },
	};
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		bool is_said = !*wanted[i].value;
		for (size_t j = 0; j < db->param_count; j++)
			is_said = is_said || strcmp(db->params[j].key, wanted[i].key) == 0;
		if (!is_said)
			confbuild_param(b, db, wanted[i]);
	}
}

/* The databases and users side by side, in the order of the file. */
static void confbuild_gather(struct confbuild *b)
{
	struct conf *conf = b->conf;
	const struct inifile_entries *entries = &conf->inner->entries;
	struct conf_database *databases =
		confmem_alloc(b->mem, (conf->database_count + 1) * sizeof(*databases));
	struct conf_user *users = confmem_alloc(b->mem, (conf->user_count + 1) * sizeof(*users));
	size_t d = 0, u = 0;

	for (size_t i = 0; i < entries->count; i++) {
		const struct inifile_entry *e = &entries->items[i];
		if (strcmp(e->section, "databases") == 0) {
			struct conf_database *db =
				map_get(&conf->inner->databases, slice_of(e->key));
			confbuild_server_tls(b, db);
			databases[d] = *db;
			map_put(&conf->inner->databases, slice_of(e->key), &databases[d++]);
		} else if (strcmp(e->section, "users") == 0) {
			users[u] =
				*(struct conf_user *)map_get(&conf->inner->users, slice_of(e->key));
			map_put(&conf->inner->users, slice_of(e->key), &users[u++]);
		}
	}
	conf->databases = databases;
	conf->users = users;
}

static void confbuild_notes(struct confbuild *b)
{
	const struct conf *conf = b->conf;
	struct conf_faults *notes = &b->conf->notes;
	const struct conf_global *g = &conf->global;

	if (conf->database_count == 0)
		faults_add(notes, conf->path, 0, "there is no database in [databases]");
	if (!*g->auth_file && !*g->auth_user &&
	    (g->auth_type == CONF_AUTH_TYPE_PLAIN || g->auth_type == CONF_AUTH_TYPE_MD5 ||
	     g->auth_type == CONF_AUTH_TYPE_SCRAM))
		faults_add(notes, conf->path, 0, "auth_file is not set, so that nobody can log in");
	if (g->listen_addr.count == 0 && !*g->unix_socket_dir)
		faults_add(b->faults, conf->path, 0,
			   "neither listen_addr nor unix_socket_dir: nowhere to listen");
}

/* A line of SHOW CONFIG for the name and for each of PgBouncer's names for it. */
static void confbuild_show_row(struct confbuild *b, const char *key, const struct setting *s,
			       struct slice value, struct slice def)
{
	struct conf *conf = b->conf;
	struct conf_show_row *rows = (struct conf_show_row *)conf->show;
	rows = confmem_grow(b->mem, rows, conf->show_count, sizeof(*rows));
	rows[conf->show_count++] = (struct conf_show_row){
		.key = key,
		.value = confmem_str(b->mem, value),
		.def = confmem_str(b->mem, def),
		.changeable = s->kind == SETTING_RELOAD,
	};
	conf->show = rows;
}

static void confbuild_show_setting(struct confbuild *b, const struct setting *s)
{
	struct buf value = { .data = NULL }, def = { .data = NULL };
	const char *def_text = confbuild_default(b->conf, s);

	if (s->global_at >= 0) {
		struct conf_list field;
		struct err err;
		bool ok = value_parse(s, slice_of(def_text), &field, b->mem, &err);
		BUG_ON(!ok);
		value_format(s, (const char *)&b->conf->global + s->global_at, &value);
		value_format(s, &field, &def);
	} else {
		const struct inifile_entry *said = b->said[confbuild_place(s)];
		buf_add_str(&value, said ? said->value : def_text);
		buf_add_str(&def, def_text);
	}
	if (s->extras.is_secret && buf_len(&value)) {
		mem_wipe(value.data, value.cap);
		buf_clear(&value);
		buf_add_str(&value, "(hidden)");
	}
	confbuild_show_row(b, s->name, s, buf_slice(&value), buf_slice(&def));
	struct slice alias;
	for (const char *at = s->extras.alias; setting_next_word(&at, &alias);)
		confbuild_show_row(b, confmem_str(b->mem, alias), s, buf_slice(&value),
				   buf_slice(&def));
	if (s->extras.inverse)
		confbuild_show_row(b, s->extras.inverse, s,
				   slice_eq_str(buf_slice(&value), "0") ? SLICE("1") : SLICE("0"),
				   slice_eq_str(buf_slice(&def), "0") ? SLICE("1") : SLICE("0"));
	buf_fini(&value);
	buf_fini(&def);
}

void confbuild_run(struct conf *conf, struct conf_faults *faults)
{
	struct confbuild b = { .conf = conf, .mem = &conf->inner->mem, .faults = faults };
	const struct inifile_entries *entries = &conf->inner->entries;

	b.said = confmem_alloc(b.mem, setting_count * sizeof(const struct inifile_entry *));
	confbuild_dialect(&b);
	confbuild_defaults(&b);
	for (size_t i = 0; i < entries->count; i++)
		confbuild_entry(&b, &entries->items[i]);
	confbuild_notes(&b);
	if (faults->count > 0)
		return;
	confbuild_gather(&b);
	for (size_t i = 0; i < setting_count; i++)
		if (setting_table[i].name && (setting_table[i].scope & SETTING_G))
			confbuild_show_setting(&b, &setting_table[i]);
}
