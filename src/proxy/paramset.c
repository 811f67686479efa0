/*
 * paramset.c - interned, immutable sets of run-time parameters.
 *
 * A set is found by the bytes "name\0value\0encoding\0..." in the order of the names. The
 * table holds no reference: a set whose last reference goes leaves the table under its lock, so
 * that nobody can find one that is being freed.
 */
#include "proxy/paramset.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/map.h"
#include "base/mem.h"
#include "wire/reader.h"

struct paramset {
	struct paramset_table *table; /* not owned; outlives its sets */
	atomic_uint refs;
	size_t count;
	struct lexer_mode reading;      /* how a session with it reads SQL */
	struct slice meaning;           /* owned; or empty */
	struct slice key;               /* the bytes behind the members; owned */
	struct paramset_member items[]; /* in the order of their names */
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

static const char *paramset_next_string(const char **at)
{
	const char *string = *at;
	*at += strlen(string) + 1;
	return string;
}

/* Literals are read when a statement is prepared (a date, an amount of money), and so is its text.
 * Of the search_path PostgreSQL minds itself whether it is another one by now. */
static const char *const paramset_meanings[] = {
	"array_nulls",
	"backslash_quote",
	"client_encoding",
	"DateStyle",
	"IntervalStyle",
	"lc_monetary",
	"search_path",
	"standard_conforming_strings",
	"TimeZone",
	"timezone_abbreviations",
	"transform_null_equals",
	"xmloption",
};

bool paramset_is_meaning(struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(paramset_meanings); i++)
		if (slice_ieq_str(name, paramset_meanings[i]))
			return true;
	return false;
}

const char *paramset_meaning_name(size_t i)
{
	return i < COUNT_OF(paramset_meanings) ? paramset_meanings[i] : NULL;
}

static struct slice paramset_meaning_of(const struct paramset *set)
{
	struct buf pairs = { 0 };
	for (size_t i = 0; i < COUNT_OF(paramset_meanings); i++) {
		const char *value = paramset_get(set, slice_of(paramset_meanings[i]));
		if (!value)
			continue;
		buf_add(&pairs, paramset_meanings[i], strlen(paramset_meanings[i]) + 1);
		buf_add(&pairs, value, strlen(value) + 1);
	}
	struct slice made =
		slice_make(buf_len(&pairs) ? slice_dup(buf_slice(&pairs)) : NULL, buf_len(&pairs));
	buf_fini(&pairs);
	return made;
}

static struct paramset *paramset_new(struct paramset_table *table, struct slice key)
{
	size_t zeros = 0;
	for (size_t i = 0; i < key.len; i++)
		zeros += key.ptr[i] == '\0';

	size_t count = zeros / 3;
	struct paramset *set = mem_zalloc(sizeof(*set) + count * sizeof(set->items[0]));
	set->table = table;
	atomic_init(&set->refs, 1);
	set->count = count;
	set->key = slice_make(slice_dup(key), key.len);

	const char *at = set->key.ptr;
	for (size_t i = 0; i < count; i++) {
		set->items[i].name = paramset_next_string(&at);
		set->items[i].value = paramset_next_string(&at);
		set->items[i].encoding = paramset_next_string(&at);
	}
	const char *conforming = paramset_get(set, SLICE("standard_conforming_strings"));
	const char *encoding = paramset_get(set, SLICE("client_encoding"));
	set->reading.backslashes = conforming && strcasecmp(conforming, "off") == 0;
	set->reading.encoding = lexer_encoding_of(slice_of(encoding ? encoding : ""));
	set->meaning = paramset_meaning_of(set);
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
		free((char *)set->meaning.ptr);
		free(set);
	}
}

void paramset_replace(struct paramset **slot, struct paramset *taken)
{
	struct paramset *old = *slot;
	*slot = taken;
	paramset_unref(old);
}

/* ---- changing ------------------------------------------------------------------------- */

static int paramset_compare(const char *name, struct slice other)
{
	int order = strncasecmp(name, other.ptr, other.len);
	return order ? order : (name[other.len] ? 1 : 0);
}

static void paramset_add_string(struct buf *key, struct slice string)
{
	buf_add_slice(key, string);
	buf_u8(key, 0);
}

static void paramset_add(struct buf *key, const struct paramset_member *m)
{
	paramset_add_string(key, slice_of(m->name));
	paramset_add_string(key, slice_of(m->value));
	paramset_add_string(key, slice_of(m->encoding));
}

bool paramset_is_ascii(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if ((uint8_t)value.ptr[i] > 127)
			return false;
	return true;
}

struct paramset *paramset_with_encoded(struct paramset *set, struct slice name, struct slice value,
				       struct slice encoding)
{
	BUG_ON(memchr(name.ptr, '\0', name.len) ||
	       (value.len && memchr(value.ptr, '\0', value.len)));
	struct buf key = { 0 };
	size_t i = 0;

	while (i < set->count && paramset_compare(set->items[i].name, name) < 0)
		paramset_add(&key, &set->items[i++]);
	paramset_add_string(&key, name);
	paramset_add_string(&key, value);
	paramset_add_string(&key, paramset_is_ascii(value) ? SLICE("") : encoding);
	if (i < set->count && paramset_compare(set->items[i].name, name) == 0)
		i++;
	while (i < set->count)
		paramset_add(&key, &set->items[i++]);

	struct paramset *made = paramset_intern(set->table, buf_slice(&key));
	buf_fini(&key);
	return made;
}

struct paramset *paramset_with(struct paramset *set, struct slice name, struct slice value)
{
	return paramset_with_encoded(set, name, value, SLICE(""));
}

struct paramset *paramset_filtered(struct paramset *set, paramset_keep_fn keep, const void *arg)
{
	struct buf key = { 0 };
	for (size_t i = 0; i < set->count; i++)
		if (keep(slice_of(set->items[i].name), arg))
			paramset_add(&key, &set->items[i]);
	struct paramset *made = paramset_intern(set->table, buf_slice(&key));
	buf_fini(&key);
	return made;
}

static bool paramset_is_other(struct slice name, const void *arg)
{
	const struct slice *other = arg;
	return !slice_ieq(name, *other);
}

struct paramset *paramset_without(struct paramset *set, struct slice name)
{
	return paramset_filtered(set, paramset_is_other, &name);
}

struct paramset_pair {
	struct slice name, value;
	size_t place; /* in the order they were said */
};

static int paramset_pair_order(const void *one, const void *other)
{
	const struct paramset_pair *a = one, *b = other;
	int order = strcasecmp(a->name.ptr, b->name.ptr);
	if (order == 0)
		order = a->place < b->place ? -1 : 1;
	return order;
}

struct paramset *paramset_of_pairs(struct paramset *empty, struct slice pairs)
{
	struct buf key = { 0 };
	struct reader r;
	size_t count = 0;
	struct paramset_pair *list = mem_zalloc((pairs.len / 2 + 1) * sizeof(*list));

	reader_init(&r, pairs);
	while (r.rest.len) {
		struct slice name = reader_cstr(&r), value = reader_cstr(&r);
		BUG_ON(reader_failed(&r));
		list[count] = (struct paramset_pair){ name, value, count };
		count++;
	}
	qsort(list, count, sizeof(*list), paramset_pair_order);
	for (size_t i = 0; i < count; i++) {
		if (i + 1 < count && slice_ieq(list[i].name, list[i + 1].name))
			continue; /* said again later */
		paramset_add_string(&key, list[i].name);
		paramset_add_string(&key, list[i].value);
		paramset_add_string(&key, SLICE(""));
	}
	free(list);
	struct paramset *made = paramset_intern(empty->table, buf_slice(&key));
	buf_fini(&key);
	return made;
}

/* ---- reading ------------------------------------------------------------------------------ */

size_t paramset_count(const struct paramset *set)
{
	return set->count;
}

size_t paramset_bytes(const struct paramset *set)
{
	return set->key.len;
}

const struct paramset_member *paramset_member(const struct paramset *set, size_t i)
{
	BUG_ON(i >= set->count);
	return &set->items[i];
}

struct lexer_mode paramset_reading(const struct paramset *set)
{
	return set->reading;
}

struct slice paramset_meaning(const struct paramset *set)
{
	return set->meaning;
}

const char *paramset_meaning_get(struct slice meaning, const char *name)
{
	const char *at = meaning.ptr, *end = at + meaning.len;
	while (at < end) {
		const char *is = paramset_next_string(&at), *value = paramset_next_string(&at);
		if (strcmp(is, name) == 0)
			return value;
	}
	return NULL;
}

const char *paramset_get(const struct paramset *set, struct slice name)
{
	size_t from = 0, to = set->count;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		int order = paramset_compare(set->items[mid].name, name);
		if (order == 0)
			return set->items[mid].value;
		if (order < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return NULL;
}

static bool paramset_is_same(const struct paramset_member *a, const struct paramset_member *b)
{
	return a && b && strcmp(a->value, b->value) == 0 && strcmp(a->encoding, b->encoding) == 0;
}

bool paramset_next_difference(const struct paramset *have, const struct paramset *want,
			      struct paramset_difference *d)
{
	while (d->i < have->count || d->j < want->count) {
		d->had = d->i < have->count ? &have->items[d->i] : NULL;
		d->wanted = d->j < want->count ? &want->items[d->j] : NULL;
		int order = !d->had      ? 1
			    : !d->wanted ? -1
					 : strcasecmp(d->had->name, d->wanted->name);
		if (order < 0)
			d->wanted = NULL;
		else if (order > 0)
			d->had = NULL;
		d->i += d->had != NULL;
		d->j += d->wanted != NULL;
		if (!paramset_is_same(d->had, d->wanted))
			return true;
	}
	return false;
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

bool paramset_name_is_passing(struct slice name)
{
	static const char *const names[] = { "transaction_isolation", "transaction_read_only",
					     "transaction_deferrable", "seed" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (slice_ieq_str(name, names[i]))
			return true;
	return false;
}
