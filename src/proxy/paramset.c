/*
 * paramset.c - interned, immutable sets of run-time parameters.
 *
 * A set is found by the bytes "name=value\0..." in the order of the names. The table holds
 * no reference: a set whose last reference goes leaves the table under its lock, so that
 * nobody can find one that is being freed.
 */
#include "proxy/paramset.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/map.h"
#include "base/mem.h"

struct paramset {
	struct paramset_table *table; /* not owned; outlives its sets */
	atomic_uint refs;
	size_t count;
	struct slice key; /* the bytes behind the pointers below; owned */
	struct param {
		const char *name, *value; /* into key */
	} items[];
};

struct paramset_table {
	pthread_mutex_t lock;
	struct map sets; /* key -> set, not owned */
};

struct paramset_table *paramset_table_new(void)
{
	struct paramset_table *table = mem_zalloc(sizeof(*table));
	pthread_mutex_init(&table->lock, NULL);
	map_init(&table->sets);
	return table;
}

void paramset_table_free(struct paramset_table *table)
{
	if (!table)
		return;
	BUG_ON(map_count(&table->sets) > 0);
	map_fini(&table->sets);
	pthread_mutex_destroy(&table->lock);
	free(table);
}

static struct paramset *paramset_new(struct paramset_table *table, struct slice key)
{
	size_t zeros = 0;
	for (size_t i = 0; i < key.len; i++)
		zeros += key.ptr[i] == '\0';

	struct paramset *set = mem_zalloc(sizeof(*set) + zeros / 2 * sizeof(struct param));
	set->table = table;
	atomic_init(&set->refs, 1);
	set->count = zeros / 2;
	set->key = slice_make(slice_dup(key), key.len);

	const char *at = set->key.ptr;
	for (size_t i = 0; i < set->count; i++) {
		set->items[i].name = at;
		at += strlen(at) + 1;
		set->items[i].value = at;
		at += strlen(at) + 1;
	}
	return set;
}

/* The set with these bytes, found or made; the caller gets a reference. */
static struct paramset *paramset_intern(struct paramset_table *table, struct slice key)
{
	pthread_mutex_lock(&table->lock);
	struct paramset *set = map_get(&table->sets, key);
	if (set) {
		atomic_fetch_add(&set->refs, 1);
	} else {
		set = paramset_new(table, key);
		map_put(&table->sets, key, set);
	}
	pthread_mutex_unlock(&table->lock);
	return set;
}

struct paramset *paramset_empty(struct paramset_table *table)
{
	return paramset_intern(table, SLICE(""));
}

struct paramset *paramset_ref(struct paramset *set)
{
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

void paramset_unref(struct paramset *set)
{
	if (!set)
		return;

	unsigned refs = atomic_load(&set->refs);
	while (refs > 1)
		if (atomic_compare_exchange_weak(&set->refs, &refs, refs - 1))
			return;

	/* perhaps the last: under the lock nobody can find it and take another */
	struct paramset_table *table = set->table;
	pthread_mutex_lock(&table->lock);
	bool last = atomic_fetch_sub(&set->refs, 1) == 1;
	if (last)
		map_remove(&table->sets, set->key);
	pthread_mutex_unlock(&table->lock);
	if (last) {
		free((char *)set->key.ptr);
		free(set);
	}
}

void paramset_replace(struct paramset **slot, struct paramset *taken)
{
	struct paramset *old = *slot;
	*slot = taken;
	paramset_unref(old);
}

static int paramset_compare(const char *name, struct slice other)
{
	int order = strncasecmp(name, other.ptr, other.len);
	return order ? order : (name[other.len] ? 1 : 0);
}

static void paramset_add_pair(struct buf *key, struct slice name, struct slice value)
{
	buf_add_slice(key, name);
	buf_u8(key, 0);
	buf_add_slice(key, value);
	buf_u8(key, 0);
}

/* The set with `name` taken out, or put in where value.ptr is not NULL. */
static struct paramset *paramset_changed(struct paramset *set, struct slice name,
					 struct slice value)
{
	struct buf key = { 0 };
	bool placed = value.ptr == NULL;

	for (size_t i = 0; i < set->count; i++) {
		int order = paramset_compare(set->items[i].name, name);
		if (order >= 0 && !placed) {
			paramset_add_pair(&key, name, value);
			placed = true;
		}
		if (order != 0)
			paramset_add_pair(&key, slice_of(set->items[i].name),
					  slice_of(set->items[i].value));
	}
	if (!placed)
		paramset_add_pair(&key, name, value);

	struct paramset *made = paramset_intern(set->table, buf_slice(&key));
	buf_fini(&key);
	return made;
}

struct paramset *paramset_with(struct paramset *set, struct slice name, struct slice value)
{
	BUG_ON(memchr(name.ptr, '\0', name.len) ||
	       (value.len && memchr(value.ptr, '\0', value.len)));
	return paramset_changed(set, name, slice_make(value.ptr ? value.ptr : "", value.len));
}

struct paramset *paramset_without(struct paramset *set, struct slice name)
{
	return paramset_changed(set, name, SLICE_NONE);
}

size_t paramset_count(const struct paramset *set)
{
	return set->count;
}

const char *paramset_name(const struct paramset *set, size_t i)
{
	BUG_ON(i >= set->count);
	return set->items[i].name;
}

const char *paramset_value(const struct paramset *set, size_t i)
{
	BUG_ON(i >= set->count);
	return set->items[i].value;
}

const char *paramset_get(const struct paramset *set, struct slice name)
{
	for (size_t i = 0; i < set->count; i++)
		if (paramset_compare(set->items[i].name, name) == 0)
			return set->items[i].value;
	return NULL;
}

static bool paramset_is_name_start(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

bool paramset_name_is_valid(struct slice name)
{
	bool start = true; /* at the start of a part */
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (c == '.' && !start)
			start = true;
		else if (paramset_is_name_start(c) ||
			 (!start && ((c >= '0' && c <= '9') || c == '$')))
			start = false;
		else
			return false;
	}
	return !start;
}

static void paramset_quote_name(struct buf *sql, const char *name)
{
	buf_u8(sql, '"');
	for (; *name; name++) {
		if (*name == '.')
			buf_add_str(sql, "\".\"");
		else
			buf_u8(sql, (uint8_t)*name);
	}
	buf_u8(sql, '"');
}

static void paramset_quote_value(struct buf *sql, const char *value)
{
	buf_add_str(sql, "E'");
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			buf_u8(sql, (uint8_t)*value);
		buf_u8(sql, (uint8_t)*value);
	}
	buf_u8(sql, '\'');
}

/*
 * SET makes one identifier of a single string for these (GUC_LIST_QUOTE in PostgreSQL's
 * guc_tables.c), while a start-up option and set_config() take the list as it stands.
 */
static bool paramset_is_quoted_list(const char *name)
{
	static const char *const lists[] = { "search_path", "temp_tablespaces",
					     "local_preload_libraries",
					     "session_preload_libraries" };
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		if (strcasecmp(name, lists[i]) == 0)
			return true;
	return false;
}

static void paramset_build_set(struct buf *sql, const char *name, const char *value)
{
	if (paramset_is_quoted_list(name)) {
		buf_addf(sql, "SELECT pg_catalog.set_config('%s', ", name);
		paramset_quote_value(sql, value);
		buf_add_str(sql, ", false);");
		return;
	}
	buf_add_str(sql, "SET ");
	paramset_quote_name(sql, name);
	buf_add_str(sql, " TO ");
	paramset_quote_value(sql, value);
	buf_u8(sql, ';');
}

void paramset_build_change(const struct paramset *have, const struct paramset *want,
			   struct buf *sql)
{
	if (have == want)
		return;
	for (size_t i = 0; i < have->count; i++) {
		if (paramset_get(want, slice_of(have->items[i].name)))
			continue;
		buf_add_str(sql, "RESET ");
		paramset_quote_name(sql, have->items[i].name);
		buf_u8(sql, ';');
	}
	for (size_t i = 0; i < want->count; i++) {
		const char *had = paramset_get(have, slice_of(want->items[i].name));
		if (!had || strcmp(had, want->items[i].value) != 0)
			paramset_build_set(sql, want->items[i].name, want->items[i].value);
	}
}
