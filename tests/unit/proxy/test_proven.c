/*
 * test_proven.c - parameters that servers took: found again whatever the client calls itself.
 */
#include "check_proxy.h"

#include <stdio.h>

#include "proxy/paramset.h"
#include "proxy/proven.h"

struct world {
	struct paramset_table *table;
	struct paramset *empty;
	struct proven proven;
};

static void world_open(struct world *w)
{
	w->table = paramset_table_new();
	w->empty = paramset_empty(w->table);
	proven_init(&w->proven, w->empty);
}

/* The table finds every set that somebody still holds. */
static void world_close(struct world *w)
{
	proven_fini(&w->proven);
	paramset_unref(w->empty);
	paramset_table_free(w->table);
}

static struct paramset *with(struct paramset *set, const char *name, const char *value)
{
	return paramset_with(set, slice_of(name), slice_of(value));
}

/* Is it known, and what became of that setting? NULL: it has to be tried. */
static const char *known(struct world *w, struct paramset *set, const char *name)
{
	struct paramset *got = proven_get(&w->proven, set);
	const char *value = got ? paramset_get(got, slice_of(name)) : NULL;
	paramset_unref(got); /* the value is still the other holder's */
	return value;
}

START_TEST(test_what_servers_took_is_known)
{
	struct world w;
	world_open(&w);
	struct paramset *wanted = with(w.empty, "datestyle", "german");
	struct paramset *got = with(w.empty, "datestyle", "German, DMY");
	struct paramset *named = with(wanted, "application_name", "x");
	ck_assert_ptr_null(proven_get(&w.proven, wanted));
	ck_assert_ptr_null(proven_get(&w.proven, named));
	proven_put(&w.proven, wanted, got);
	ck_assert_str_eq(known(&w, wanted, "datestyle"), "German, DMY");
	struct paramset *again = proven_get(&w.proven, named); /* a name needs no proof */
	ck_assert_str_eq(paramset_get(again, SLICE("application_name")), "x");
	ck_assert_str_eq(paramset_get(again, SLICE("datestyle")), "German, DMY");
	paramset_unref(again);
	paramset_unref(named);
	paramset_unref(got);
	paramset_unref(wanted);
	world_close(&w);
}
END_TEST

START_TEST(test_what_needs_no_proof)
{
	char long_name[65];
	struct world w;
	world_open(&w);
	snprintf(long_name, sizeof(long_name), "%064d", 0);
	const struct {
		const char *name;
		bool is_plain;
	} cases[] = { { "x", true },        { "", true },       { long_name + 1, true },
		      { long_name, false }, { "tab\t", false }, { "\xc3\xa4", false } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct paramset *set = with(w.empty, "application_name", cases[i].name);
		struct paramset *got = proven_get(&w.proven, set);
		ck_assert_msg((got == set) == cases[i].is_plain, "case %zu", i);
		paramset_unref(got);
		paramset_unref(set);
	}
	world_close(&w);
}
END_TEST

/* Clients may come with ever new ones. */
START_TEST(test_it_does_not_grow_for_ever)
{
	struct world w;
	size_t most = 0;
	world_open(&w);
	for (int i = 0; i < 2000; i++) {
		char value[16];
		snprintf(value, sizeof(value), "%d", i);
		struct paramset *set = with(w.empty, "statement_timeout", value);
		proven_put(&w.proven, set, set);
		proven_put(&w.proven, set, set);
		ck_assert_str_eq(known(&w, set, "statement_timeout"), value);
		most = map_count(&w.proven.sets) > most ? map_count(&w.proven.sets) : most;
		paramset_unref(set);
	}
	ck_assert_uint_le(most, 256);
	world_close(&w);
}
END_TEST

Suite *proven_suite(void)
{
	Suite *s = suite_create("proven");
	TCase *tc = tcase_create("proven");
	tcase_add_test(tc, test_what_servers_took_is_known);
	tcase_add_test(tc, test_what_needs_no_proof);
	tcase_add_test(tc, test_it_does_not_grow_for_ever);
	suite_add_tcase(s, tc);
	return s;
}
