/*
 * test_note.c - notifications read and shared.
 */
#include "check_proxy.h"

#include "base/buf.h"
#include "proxy/note.h"
#include "wire/build.h"

START_TEST(a_note_is_the_message_as_it_came)
{
	struct buf out = { 0 };
	struct slice channel, payload;
	build_notification(&out, 4711, SLICE("news"), SLICE("of today"));
	struct note *note = note_new(slice_skip(buf_slice(&out), 5));
	ck_assert(slice_eq(note_message(note), buf_slice(&out)));
	ck_assert(note_read(note_body(note), &channel, &payload));
	ck_assert(slice_eq_str(channel, "news"));
	ck_assert(slice_eq_str(payload, "of today"));
	note_unref(note_ref(note));
	note_unref(note);
	buf_fini(&out);
}
END_TEST

START_TEST(what_is_cut_is_no_note)
{
	static const char body[] = "\0\0\0\1a\0b";
	for (size_t n = 0; n < sizeof(body); n++) {
		struct note *note = note_new(slice_make(body, n));
		ck_assert_ptr_null(note);
	}
	struct note *note = note_new(slice_make(body, sizeof(body)));
	ck_assert_ptr_nonnull(note);
	note_unref(note);
}
END_TEST

Suite *note_suite(void)
{
	Suite *s = suite_create("note");
	TCase *t = tcase_create("note");
	tcase_add_test(t, a_note_is_the_message_as_it_came);
	tcase_add_test(t, what_is_cut_is_no_note);
	suite_add_tcase(s, t);
	return s;
}
