/*
 * test_mention.c - settings that code in a string mentions.
 */
#include "base/buf.h"
#include "base/bug.h"
#include "sql/mention.h"
#include "suites.h"

static const struct {
	const char *code, *names;
} rows[] = {
	{ "", "" },
	{ "do $$ begin perform set_config('my.tenant', 'x', false); end $$", "my.tenant" },
	{ "do $$ begin set my.tenant = 'a.b'; end $$", "my.tenant a.b" },
	{ "do $$ begin SET SESSION my.Tenant to 1; end $$", "my.Tenant" },
	{ "do $$ begin execute 'set my.inside = ''yes'''; end $$", "my.inside" },
	{ "do 'begin perform set_config(''one.a'', ''x'', false), set_config(''two.b.c'', null, true);end'",
	  "one.a two.b.c" },
	{ "do $$ begin perform set_config('un' || 'known.x', '', false); end $$", "known.x" },
	{ "do $$ begin perform set_config(' my.x', '', false); end $$", "" },
	{ "do $$ begin select a.b from s.t where a.b = 1.5; end $$", "" },
	{ "do $$ begin reset my.x; end $$", "" },
	{ "set\n\tmy.x", "my.x" },
	{ "set x.", "" },
	{ "set 1.a", "" },
	{ "set x.1", "" },
	{ "offset a.b", "" },
	{ "'a.b$c_1", "a.b$c_1" },
};

START_TEST(test_rows)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct slice rest = slice_of(rows[i].code), name;
		struct buf found = { 0 };
		while (mention_next(&rest, &name))
			buf_addf(&found, "%s%.*s", buf_len(&found) ? " " : "", SLICE_ARGS(name));
		ck_assert_str_eq(buf_cstr(&found), rows[i].names);
		buf_fini(&found);
	}
}
END_TEST

Suite *mention_suite(void)
{
	Suite *suite = suite_create("mention");
	TCase *tc = tcase_create("mention");
	tcase_add_test(tc, test_rows);
	suite_add_tcase(suite, tc);
	return suite;
}
