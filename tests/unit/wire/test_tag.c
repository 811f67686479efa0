/*
 * test_tag.c - command tags, PostgreSQL's and others.
 */
#include "base/bug.h"
#include "check_wire.h"
#include "wire/tag.h"

#define NO_ROWS UINT64_MAX

static const struct {
	struct slice body;
	const char *text, *word;
	uint64_t rows;
} tags[] = {
	{ { "SELECT 3", 9 }, "SELECT 3", "SELECT", 3 },
	{ { "SELECT 0", 9 }, "SELECT 0", "SELECT", 0 },
	{ { "INSERT 0 5", 11 }, "INSERT 0 5", "INSERT", 5 },
	{ { "UPDATE 1234567890123", 21 }, "UPDATE 1234567890123", "UPDATE", 1234567890123 },
	{ { "COPY 18446744073709551614", 26 },
	  "COPY 18446744073709551614",
	  "COPY",
	  UINT64_MAX - 1 },
	{ { "COPY 18446744073709551616", 26 }, "COPY 18446744073709551616", "COPY", NO_ROWS },
	{ { "COPY 99999999999999999999", 26 }, "COPY 99999999999999999999", "COPY", NO_ROWS },
	{ { "BEGIN", 6 }, "BEGIN", "BEGIN", NO_ROWS },
	{ { "CREATE TABLE", 13 }, "CREATE TABLE", "CREATE", NO_ROWS },
	{ { "DEALLOCATE ALL", 15 }, "DEALLOCATE ALL", "DEALLOCATE", NO_ROWS },
	{ { "SELECT -1", 10 }, "SELECT -1", "SELECT", NO_ROWS },
	{ { "SELECT 1x", 10 }, "SELECT 1x", "SELECT", NO_ROWS },
	{ { "SELECT1", 8 }, "SELECT1", "SELECT1", NO_ROWS },
	{ { "123", 4 }, "123", "123", NO_ROWS },
	{ { " 5", 3 }, " 5", "", 5 },
	{ { "SELECT ", 8 }, "SELECT ", "SELECT", NO_ROWS },
	{ { "", 1 }, "", "", NO_ROWS },
	{ { "", 0 }, "", "", NO_ROWS },
	{ { NULL, 0 }, "", "", NO_ROWS },
	{ { "no end 7", 8 }, "no end 7", "no", 7 },
	{ { "FETCH 7\0 8", 11 }, "FETCH 7", "FETCH", 7 },
};

START_TEST(tag_is_read)
{
	struct tag tag = tag_read(tags[_i].body);
	ck_assert(slice_eq_str(tag.text, tags[_i].text));
	ck_assert(slice_eq_str(tag.word, tags[_i].word));
	ck_assert_int_eq(tag.has_rows, tags[_i].rows != NO_ROWS);
	if (tag.has_rows)
		ck_assert_uint_eq(tag.rows, tags[_i].rows);
}
END_TEST

Suite *suite_tag(void)
{
	Suite *s = suite_create("tag");
	TCase *tc = tcase_create("tag");
	tcase_add_loop_test(tc, tag_is_read, 0, COUNT_OF(tags));
	suite_add_tcase(s, tc);
	return s;
}
