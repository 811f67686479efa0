/*
 * test_block.c - statements that open or close a transaction block, and those that look like it.
 */
#include "base/bug.h"
#include "sql/block.h"
#include "suites.h"

/* What is read, and for those that open one how it is written again. */
static const struct {
	const char *sql;
	enum block_kind kind;
	const char *written;
} rows[] = {
	{ "begin", BLOCK_OPEN, "BEGIN" },
	{ "BEGIN", BLOCK_OPEN, "BEGIN" },
	{ " Begin Work ;", BLOCK_OPEN, "BEGIN" },
	{ "begin transaction;;", BLOCK_OPEN, "BEGIN" },
	{ "/* who */ begin -- and so\n", BLOCK_OPEN, "BEGIN" },
	{ "start transaction", BLOCK_OPEN, "START TRANSACTION" },
	{ "BEGIN ISOLATION LEVEL SERIALIZABLE", BLOCK_OPEN, "BEGIN isolation level serializable" },
	{ "begin isolation level repeatable read", BLOCK_OPEN,
	  "BEGIN isolation level repeatable read" },
	{ "begin isolation level read committed", BLOCK_OPEN,
	  "BEGIN isolation level read committed" },
	{ "begin isolation level read uncommitted", BLOCK_OPEN,
	  "BEGIN isolation level read uncommitted" },
	{ "begin read only", BLOCK_OPEN, "BEGIN read only" },
	{ "start transaction read write, not deferrable", BLOCK_OPEN,
	  "START TRANSACTION read write, not deferrable" },
	{ "begin isolation level serializable read only deferrable;", BLOCK_OPEN,
	  "BEGIN isolation level serializable, read only, deferrable" },
	{ "begin read only, isolation level serializable", BLOCK_OPEN,
	  "BEGIN isolation level serializable, read only" },
	{ "commit", BLOCK_COMMIT, NULL },
	{ "COMMIT WORK;", BLOCK_COMMIT, NULL },
	{ "commit transaction and no chain", BLOCK_COMMIT, NULL },
	{ "end", BLOCK_COMMIT, NULL },
	{ "rollback", BLOCK_ROLLBACK, NULL },
	{ "Abort Transaction", BLOCK_ROLLBACK, NULL },
	/* more, or other */
	{ "", BLOCK_OTHER, NULL },
	{ "begin; select 1", BLOCK_OTHER, NULL },
	{ ";begin", BLOCK_OTHER, NULL },
	{ "begin begin", BLOCK_OTHER, NULL },
	{ "begin work transaction", BLOCK_OTHER, NULL },
	{ "begin 'work'", BLOCK_OTHER, NULL },
	{ "\"begin\"", BLOCK_OTHER, NULL },
	{ "beginning", BLOCK_OTHER, NULL },
	{ "start", BLOCK_OTHER, NULL },
	{ "start work", BLOCK_OTHER, NULL },
	{ "commit and chain", BLOCK_OTHER, NULL },
	{ "rollback and chain", BLOCK_OTHER, NULL },
	{ "rollback to a", BLOCK_OTHER, NULL },
	{ "rollback prepared 'a'", BLOCK_OTHER, NULL },
	{ "commit prepared 'a'", BLOCK_OTHER, NULL },
	{ "prepare transaction 'a'", BLOCK_OTHER, NULL },
	/* PostgreSQL refuses them, or it is not for us to say what it makes of them */
	{ "begin read only read write", BLOCK_OTHER, NULL },
	{ "begin read only, read only", BLOCK_OTHER, NULL },
	{ "begin , read only", BLOCK_OTHER, NULL },
	{ "begin read only,", BLOCK_OTHER, NULL },
	{ "begin isolation level", BLOCK_OTHER, NULL },
	{ "begin isolation level snapshot", BLOCK_OTHER, NULL },
	{ "begin read", BLOCK_OTHER, NULL },
	{ "commit read only", BLOCK_OTHER, NULL },
	{ "begin /* for ever", BLOCK_OTHER, NULL },
	{ "begin \x01", BLOCK_OTHER, NULL },
};

START_TEST(test_rows)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf written = { 0 };
		uint16_t modes = 0;
		enum block_kind kind = block_read(slice_of(rows[i].sql), &modes);
		ck_assert_msg(kind == rows[i].kind, "%s", rows[i].sql);
		if (kind != BLOCK_OPEN)
			continue;
		ck_assert(modes < 1u << BLOCK_MODES_BITS);
		block_write(modes, &written);
		ck_assert_str_eq(buf_cstr(&written), rows[i].written);
		buf_fini(&written);
	}
}
END_TEST

/* What is written is read as what it was written from. */
START_TEST(test_there_and_back)
{
	for (unsigned modes = 0; modes < 1u << BLOCK_MODES_BITS; modes++) {
		struct buf written = { 0 };
		uint16_t read = 0;
		block_write((uint16_t)modes, &written);
		if (block_read(buf_slice(&written), &read) == BLOCK_OPEN)
			ck_assert_uint_eq(read, modes);
		buf_fini(&written);
	}
}
END_TEST

START_TEST(test_a_long_text_is_left_alone)
{
	struct buf sql = { 0 };
	uint16_t modes;
	buf_add_str(&sql, "begin");
	for (int i = 0; i < 300; i++)
		buf_u8(&sql, ' ');
	ck_assert_int_eq(block_read(buf_slice(&sql), &modes), BLOCK_OTHER);
	buf_fini(&sql);
}
END_TEST

Suite *block_suite(void)
{
	Suite *suite = suite_create("block");
	TCase *tc = tcase_create("block");
	tcase_add_test(tc, test_rows);
	tcase_add_test(tc, test_there_and_back);
	tcase_add_test(tc, test_a_long_text_is_left_alone);
	suite_add_tcase(suite, tc);
	return suite;
}
