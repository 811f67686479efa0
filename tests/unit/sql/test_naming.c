/*
 * test_naming.c - names in texts.
 */
#include "base/bug.h"
#include "sql/naming.h"
#include "suites.h"

static const struct {
	const char *sql;
	bool has;
} rows[] = {
	{ "", false },
	{ "select 1", false },
	{ "select * from orders", true },
	{ "select * from ORDERS o", true },
	{ "insert into s.orders values (1)", true },
	{ "insert into orders2 values (1)", false },
	{ "select 'orders', $$orders$$, e'orders' -- orders\n /* orders */", false },
	{ "select * from \"orders\"", true },
	{ "select * from \"ORDERS\"", false },
	{ "select * from \"Odd \"\"One\"", true },
	{ "select * from odd", false },
	{ "select * from U&\"n\\0061me\"", true },
	{ "select * from \"never ends", true },
	{ "select a ### b", true },
	{ "select a ## b", false },
	{ "select orders.* from t", true },
	{ "select \"n\xc3\xa4me\"", false },
	{ "select a_name_of_more_than_sixty_three_bytes_which_is_cut_to_these_first_and_what_is_behind",
	  true },
};

static const char *const known[] = {
	"orders", "Odd \"One", "###",
	"a_name_of_more_than_sixty_three_bytes_which_is_cut_to_these_fir"
};

static void know(struct map *names)
{
	map_init(names);
	for (size_t i = 0; i < COUNT_OF(known); i++)
		map_put(names, slice_of(known[i]), names);
}

START_TEST(test_rows)
{
	struct map names;
	know(&names);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ck_assert_msg(naming_has(slice_of(rows[i].sql), (struct lexer_mode){ 0 }, &names,
					 false) == rows[i].has,
			      "%s", rows[i].sql);
	map_fini(&names);
}
END_TEST

START_TEST(test_letters_of_another_encoding)
{
	struct map names;
	know(&names);
	struct lexer_mode paired = { .encoding = LEXER_ENCODING_PAIRED };
	ck_assert(naming_has(SLICE("select n\xe4me"), (struct lexer_mode){ 0 }, &names, true));
	ck_assert(naming_has(SLICE("select \"n\xe4me\""), paired, &names, false));
	ck_assert(
		!naming_has(SLICE("select name, '\xe4'"), (struct lexer_mode){ 0 }, &names, true));
	ck_assert(naming_is_foreign(SLICE("n\xe4me")));
	ck_assert(!naming_is_foreign(SLICE("name")));
	map_fini(&names);
}
END_TEST

Suite *naming_suite(void)
{
	Suite *suite = suite_create("naming");
	TCase *tc = tcase_create("naming");
	tcase_add_test(tc, test_rows);
	tcase_add_test(tc, test_letters_of_another_encoding);
	suite_add_tcase(suite, tc);
	return suite;
}
