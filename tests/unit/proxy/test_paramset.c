/*
 * test_paramset.c - sets of parameters, and the commands that lead from one to another.
 */
#include "check_proxy.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/paramset.h"
#include "proxy/paramset_sql.h"

/* A set from "name=value|name=value", and of `encoding` the values beyond ASCII. */
static struct paramset *set_in(struct paramset *empty, const char *text, const char *encoding)
{
	struct paramset *set = paramset_ref(empty);
	while (*text) {
		size_t name = strcspn(text, "="), value = strcspn(text + name + 1, "|");
		paramset_replace(&set, paramset_with_encoded(set, slice_make(text, name),
							     slice_make(text + name + 1, value),
							     slice_of(encoding)));
		text += name + 1 + value;
		text += *text == '|';
	}
	return set;
}

static struct paramset *set_of(struct paramset *empty, const char *text)
{
	return set_in(empty, text, "");
}

struct world {
	struct paramset_table *table;
	struct paramset *empty;
};

static struct world world_open(void)
{
	struct world w = { .table = paramset_table_new() };
	w.empty = paramset_empty(w.table);
	return w;
}

/* The table finds every set that somebody still holds. */
static void world_close(struct world *w)
{
	paramset_unref(w->empty);
	paramset_table_free(w->table);
}

START_TEST(test_equal_sets_are_one)
{
	struct world w = world_open();
	struct paramset *a = set_of(w.empty, "b=2|a=1|c=3");
	struct paramset *b = set_of(w.empty, "a=0|c=3|b=2|a=1");
	struct paramset *c = set_of(w.empty, "a=1|b=2|c=4");
	ck_assert_ptr_eq(a, b);
	ck_assert_ptr_ne(a, c);
	paramset_unref(a);
	paramset_unref(b);
	b = set_of(w.empty, "a=1|b=2|c=3");
	ck_assert_uint_eq(paramset_count(b), 3);
	paramset_unref(b);
	paramset_unref(c);
	world_close(&w);
}
END_TEST

START_TEST(test_names_are_found_in_any_case)
{
	struct world w = world_open();
	struct paramset *set =
		set_of(w.empty, "TimeZone=UTC|DateStyle=ISO|app.x=1|app.xy=2|appx=3");
	ck_assert_str_eq(paramset_get(set, SLICE("timezone")), "UTC");
	ck_assert_str_eq(paramset_get(set, SLICE("APP.X")), "1");
	ck_assert_str_eq(paramset_get(set, SLICE("app.xy")), "2");
	ck_assert_str_eq(paramset_get(set, SLICE("appx")), "3");
	ck_assert_ptr_null(paramset_get(set, SLICE("app")));
	ck_assert_ptr_null(paramset_get(set, SLICE("zzz")));
	ck_assert_ptr_null(paramset_get(w.empty, SLICE("a")));

	paramset_replace(&set, paramset_with(set, SLICE("TIMEZONE"), SLICE("Asia/Tokyo")));
	ck_assert_uint_eq(paramset_count(set), 5);
	ck_assert_str_eq(paramset_get(set, SLICE("timezone")), "Asia/Tokyo");
	for (size_t i = 1; i < paramset_count(set); i++)
		ck_assert_int_lt(strcasecmp(paramset_member(set, i - 1)->name,
					    paramset_member(set, i)->name),
				 0);
	paramset_unref(set);
	world_close(&w);
}
END_TEST

START_TEST(test_members_are_taken_out)
{
	struct world w = world_open();
	struct paramset *set = set_of(w.empty, "a=1|b=2");
	paramset_replace(&set, paramset_without(set, SLICE("B")));
	paramset_replace(&set, paramset_without(set, SLICE("not there")));
	ck_assert_uint_eq(paramset_count(set), 1);
	ck_assert_ptr_null(paramset_get(set, SLICE("b")));
	paramset_replace(&set, paramset_without(set, SLICE("a")));
	ck_assert_ptr_eq(set, w.empty);
	paramset_unref(set);
	world_close(&w);
}
END_TEST

static bool keeps_short(struct slice name, const void *arg)
{
	return name.len <= *(const size_t *)arg;
}

START_TEST(test_members_are_filtered)
{
	struct world w = world_open();
	struct paramset *set = set_of(w.empty, "a=1|bb=2|ccc=3|d=4");
	struct paramset *expected = set_of(w.empty, "a=1|d=4");
	size_t longest = 1;
	paramset_replace(&set, paramset_filtered(set, keeps_short, &longest));
	ck_assert_ptr_eq(set, expected);
	paramset_unref(set);
	paramset_unref(expected);
	world_close(&w);
}
END_TEST

START_TEST(test_pairs_make_the_set_that_one_by_one_makes)
{
	static const char pairs[] = "b\0"
				    "1\0"
				    "A\0"
				    "x\0"
				    "a\0"
				    "y\0"
				    "B\0"
				    "2\0"
				    "c\0\0"
				    "a\0"
				    "z";
	struct world w = world_open();
	struct paramset *made = paramset_of_pairs(w.empty, slice_make(pairs, sizeof(pairs)));
	struct paramset *expected = set_of(w.empty, "a=z|B=2|c=");
	struct paramset *none = paramset_of_pairs(w.empty, SLICE_NONE);
	ck_assert_ptr_eq(made, expected);
	ck_assert_ptr_eq(none, w.empty);
	paramset_unref(made);
	paramset_unref(expected);
	paramset_unref(none);
	world_close(&w);
}
END_TEST

START_TEST(test_encoding_belongs_to_values_beyond_ascii)
{
	struct world w = world_open();
	struct paramset *plain = set_in(w.empty, "a=x", "LATIN1");
	struct paramset *same = set_of(w.empty, "a=x");
	struct paramset *latin = set_in(w.empty, "a=\xe9", "LATIN1");
	struct paramset *raw = set_of(w.empty, "a=\xe9");
	ck_assert_ptr_eq(plain, same);
	ck_assert_ptr_ne(latin, raw);
	ck_assert_str_eq(paramset_member(latin, 0)->encoding, "LATIN1");
	ck_assert_str_eq(paramset_member(raw, 0)->encoding, "");
	paramset_unref(plain);
	paramset_unref(same);
	paramset_unref(latin);
	paramset_unref(raw);
	world_close(&w);
}
END_TEST

static const struct {
	const char *name;
	bool is_valid;
} names[] = {
	{ "a", true },     { "_a9$", true }, { "app.name", true }, { "a.b.c", true },
	{ "", false },     { ".", false },   { "a.", false },      { ".a", false },
	{ "a..b", false }, { "9", false },   { "a.9", false },     { "$a", false },
	{ "a b", false },  { "a\"", false }, { "a'", false },      { "\xe9", false },
};

START_TEST(test_names_that_may_be_set)
{
	ck_assert_int_eq(paramset_name_is_valid(slice_of(names[_i].name)), names[_i].is_valid);
}
END_TEST

/* ---- the commands ------------------------------------------------------------------------ */

static const struct {
	const char *have, *want, *encoding, *sql;
} changes[] = {
	{ "", "", "", "" },
	{ "a=1", "a=1", "", "" },
	{ "A=1", "a=1", "", "" },
	{ "", "a=1", "", "SET \"a\" TO E'1';" },
	{ "a=1", "a=2", "", "SET \"a\" TO E'2';" },
	{ "a=1", "", "", "RESET \"a\";" },
	{ "a=1|c=3", "b=2|c=3", "", "RESET \"a\";SET \"b\" TO E'2';" },
	{ "b=1", "a=1|c=1", "", "RESET \"b\";SET \"a\" TO E'1';SET \"c\" TO E'1';" },
	{ "", "app.x=it's", "", "SET \"app\".\"x\" TO E'it''s';" },
	{ "", "a=b\\", "", "SET \"a\" TO E'b\\\\';" },
	{ "", "a=", "", "SET \"a\" TO E'';" },
	{ "app.x=1", "", "", "RESET \"app\".\"x\";" },
	/* client_encoding is the first */
	{ "b=1", "a=1|client_encoding=SJIS", "",
	  "SET \"client_encoding\" TO E'SJIS';RESET \"b\";SET \"a\" TO E'1';" },
	{ "a=1|Client_Encoding=SJIS", "b=1", "",
	  "RESET \"Client_Encoding\";RESET \"a\";SET \"b\" TO E'1';" },
	/* lists */
	{ "", "search_path=\"a b\",public", "",
	  "SELECT pg_catalog.set_config(E'search_path', E'\"a b\",public', false);" },
	{ "", "Temp_TableSpaces=a", "",
	  "SELECT pg_catalog.set_config(E'Temp_TableSpaces', E'a', false);" },
	{ "search_path=x", "", "", "RESET \"search_path\";" },
	/* beyond ASCII: in the database's encoding, in one that is said, in one that is no name */
	{ "", "a=\x95\\';--", "", "SET \"a\" TO E'\\x95\\\\'';--';" },
	{ "", "a=\x95\\'", "SJIS",
	  "SELECT pg_catalog.set_config(E'a', "
	  "pg_catalog.convert_from(pg_catalog.decode('955c27', 'hex'), 'SJIS'), false);" },
	{ "", "a=\xe9", "x'); drop", "SET \"a\" TO E'\\xe9';" },
	{ "", "search_path=\xc3\xa9", "",
	  "SELECT pg_catalog.set_config(E'search_path', E'\\xc3\\xa9', false);" },
	{ "", "application_name=\xe9'\\", "", "SET \"application_name\" TO E'?''\\\\';" },
	{ "", "application_name=it's", "", "SET \"application_name\" TO E'it''s';" },
	/* the role is set last, and no other is in force while the rest is set */
	{ "", "role=me|work_mem=1", "", "SET \"work_mem\" TO E'1';SET \"role\" TO E'me';" },
	{ "role=you|zone=1", "role=me", "", "SET ROLE NONE;RESET \"zone\";SET \"role\" TO E'me';" },
	{ "role=me|a=1", "role=me|b=2", "",
	  "SET ROLE NONE;RESET \"a\";SET \"b\" TO E'2';SET ROLE E'me';" },
	{ "role=me|work_mem=1", "", "", "SET ROLE NONE;RESET \"work_mem\";RESET \"role\";" },
	{ "role=me|my.x=1", "role=me|my.x=2", "", "SET \"my\".\"x\" TO E'2';" },
	{ "role=me", "role=you", "", "SET \"role\" TO E'you';" },
};

START_TEST(test_commands)
{
	struct world w = world_open();
	struct paramset *have = set_in(w.empty, changes[_i].have, changes[_i].encoding);
	struct paramset *want = set_in(w.empty, changes[_i].want, changes[_i].encoding);
	struct buf sql = { 0 };
	paramset_sql_change(have, want, 150018, &sql);
	ck_assert_str_eq(buf_cstr(&sql), changes[_i].sql);
	buf_fini(&sql);
	paramset_unref(have);
	paramset_unref(want);
	world_close(&w);
}
END_TEST

START_TEST(test_the_same_letters_in_another_encoding_are_set)
{
	struct world w = world_open();
	struct paramset *have = set_in(w.empty, "a=\xe9", "LATIN1");
	struct paramset *want = set_in(w.empty, "a=\xe9", "LATIN2");
	struct buf sql = { 0 };
	paramset_sql_change(have, want, 150018, &sql);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&sql), "'LATIN2'"));
	buf_fini(&sql);
	paramset_unref(have);
	paramset_unref(want);
	world_close(&w);
}
END_TEST

START_TEST(test_application_name_of_a_newer_server)
{
	struct world w = world_open();
	struct paramset *want = set_of(w.empty, "application_name=\xe9");
	struct buf sql = { 0 };
	paramset_sql_change(w.empty, want, 160000, &sql);
	ck_assert_str_eq(buf_cstr(&sql), "SET \"application_name\" TO E'\\\\xe9';");
	buf_fini(&sql);
	paramset_unref(want);
	world_close(&w);
}
END_TEST

/* Lists too, as SET writes them. */
static const struct {
	const char *set;
	bool local;
	const char *sql;
} resets[] = {
	{ "TimeZone=UTC", false, "SET \"TimeZone\" TO E'UTC'" },
	{ "my.x=it's", true, "SET LOCAL \"my\".\"x\" TO E'it''s'" },
	{ "a=\xe9", false, "SET \"a\" TO E'\\xe9'" },
	{ "application_name=\xe9", true, "SET LOCAL \"application_name\" TO E'?'" },
	{ "search_path=mine", false, "SET \"search_path\" TO E'mine'" },
	{ "search_path=\"$user\", public, \"Its \"\"A\"\"\"", false,
	  "SET \"search_path\" TO E'$user', E'public', E'Its \"A\"'" },
	{ "search_path=mine,public", true, "SET LOCAL \"search_path\" TO E'mine', E'public'" },
	{ "search_path=  mine\t,\"a, b\" , C", false,
	  "SET \"search_path\" TO E'mine', E'a, b', E'c'" },
	{ "search_path=Mine", false, "SET \"search_path\" TO E'mine'" },
	{ "search_path=\xc3\xa9", false, "SET \"search_path\" TO E'\\xc3\\xa9'" },
	{ "search_path=", false, "SET \"search_path\" TO E''" },
	/* what no server takes at a login */
	{ "search_path=\"open", false, "SET \"search_path\" TO E'open'" },
	{ "search_path=\"a\"b,,c,", false, "SET \"search_path\" TO E'a', E'', E'c'" },
};

START_TEST(test_what_was_reset_is_set_by_no_query)
{
	struct world w = world_open();
	struct paramset *set = set_of(w.empty, resets[_i].set);
	struct buf sql = { 0 };
	paramset_sql_again(paramset_member(set, 0), resets[_i].local, 150018, &sql);
	ck_assert_str_eq(buf_cstr(&sql), resets[_i].sql);
	buf_fini(&sql);
	paramset_unref(set);
	world_close(&w);
}
END_TEST

/* Whatever a value is, what is sent is ASCII, and a bytewise reader finds its end where it is. */
START_TEST(test_what_decides_the_meaning_of_a_text)
{
	struct world w = world_open();
	struct paramset *plain = set_of(w.empty, "application_name=x|my.x=y");
	struct paramset *one = set_of(w.empty, "timezone=UTC|application_name=x|search_path=a");
	struct paramset *other = set_of(w.empty, "search_path=b|TimeZone=it's|DATESTYLE=ISO");
	struct buf sql = { 0 };
	struct slice said = paramset_meaning(one);

	ck_assert_uint_eq(paramset_meaning(plain).len, 0);
	ck_assert(slice_eq(said, SLICE("search_path\0a\0TimeZone\0UTC\0")));
	ck_assert_str_eq(paramset_meaning_get(said, "TimeZone"), "UTC");
	ck_assert_ptr_null(paramset_meaning_get(said, "a"));
	ck_assert(paramset_is_meaning(SLICE("timezone")));
	ck_assert(!paramset_is_meaning(SLICE("application_name")));

	paramset_sql_mean(said, said, &sql);
	ck_assert_uint_eq(buf_len(&sql), 0);
	paramset_sql_mean(said, paramset_meaning(other), &sql);
	ck_assert_str_eq(buf_cstr(&sql), "SELECT pg_catalog.set_config('DateStyle', E'ISO', true), "
					 "pg_catalog.set_config('TimeZone', E'it''s', true)");
	buf_clear(&sql);
	paramset_sql_mean(said, paramset_meaning(plain), &sql);
	ck_assert_str_eq(buf_cstr(&sql),
			 "SELECT pg_catalog.set_config('TimeZone', (SELECT reset_val FROM "
			 "pg_catalog.pg_settings WHERE name OPERATOR(pg_catalog.=) 'TimeZone'), "
			 "true)");
	buf_fini(&sql);
	paramset_unref(plain);
	paramset_unref(one);
	paramset_unref(other);
	world_close(&w);
}
END_TEST

START_TEST(test_no_value_is_written_beyond_ascii)
{
	struct world w = world_open();
	static const char *const in[] = { "a", "search_path", "application_name",
					  "client_encoding" };
	for (unsigned seed = 0; seed < 2000; seed++) {
		char value[24];
		size_t n = (size_t)rand() % sizeof(value);
		for (size_t i = 0; i < n; i++)
			value[i] = "'\\;\x95\xe9\x81\xa8 x\"%"[rand() % 11];
		struct paramset *want =
			paramset_with_encoded(w.empty, slice_of(in[seed % 4]), slice_make(value, n),
					      seed % 3 ? SLICE("") : SLICE("SJIS"));
		struct buf sql = { 0 };
		paramset_sql_change(w.empty, want, 150018, &sql);
		ck_assert(paramset_is_ascii(buf_slice(&sql)));

		bool quoted = false;
		size_t commands = 0;
		for (const char *at = buf_cstr(&sql); *at; at++) {
			if (quoted && *at == '\\')
				at++;
			else if (*at == '\'')
				quoted = !quoted;
			else if (!quoted)
				commands += *at == ';';
		}
		ck_assert(!quoted);
		ck_assert_uint_eq(commands, 1);
		buf_fini(&sql);
		paramset_unref(want);
	}
	world_close(&w);
}
END_TEST

Suite *paramset_suite(void)
{
	Suite *s = suite_create("paramset");
	TCase *t = tcase_create("sets");
	tcase_add_test(t, test_equal_sets_are_one);
	tcase_add_test(t, test_names_are_found_in_any_case);
	tcase_add_test(t, test_members_are_taken_out);
	tcase_add_test(t, test_what_decides_the_meaning_of_a_text);
	tcase_add_test(t, test_members_are_filtered);
	tcase_add_test(t, test_pairs_make_the_set_that_one_by_one_makes);
	tcase_add_test(t, test_encoding_belongs_to_values_beyond_ascii);
	tcase_add_loop_test(t, test_names_that_may_be_set, 0, COUNT_OF(names));
	suite_add_tcase(s, t);
	t = tcase_create("commands");
	tcase_add_loop_test(t, test_commands, 0, COUNT_OF(changes));
	tcase_add_test(t, test_the_same_letters_in_another_encoding_are_set);
	tcase_add_test(t, test_application_name_of_a_newer_server);
	tcase_add_loop_test(t, test_what_was_reset_is_set_by_no_query, 0, COUNT_OF(resets));
	tcase_add_test(t, test_no_value_is_written_beyond_ascii);
	suite_add_tcase(s, t);
	return s;
}
