/*
 * test_filetext.c - files that say who may do what: what is read, and which are refused.
 */
#include "base/filetext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_base.h"

static char path[] = "/tmp/check_filetext.XXXXXX";

static void make_file(void)
{
	strcpy(path + strlen(path) - 6, "XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "some text", 9), 9);
	close(fd);
}

static void remove_file(void)
{
	unlink(path);
}

static bool load(mode_t mode, bool is_secret, struct filetext *t, struct err *err)
{
	*err = (struct err){ "" };
	ck_assert_int_eq(chmod(path, mode), 0);
	return filetext_load(t, path, is_secret, 100, err);
}

static void assert_mode(mode_t mode, bool is_secret, const char *fault, const char *warning)
{
	struct filetext t;
	struct err err, warned;
	bool ok = load(mode, is_secret, &t, &err);
	ck_assert_msg(ok == !*fault, "mode %o: %s", (unsigned)mode, err.text);
	if (ok)
		ck_assert(slice_eq_str(filetext_slice(&t), "some text"));
	ck_assert_msg(strstr(err.text, fault) && !*fault == !*err.text, "%s", err.text);
	ck_assert_msg(strstr(t.warning.text, warning) && !*warning == !*t.warning.text, "%s",
		      t.warning.text);
	err.text[0] = '\0';
	ck_assert_int_eq(filetext_check(path, is_secret, &err, &warned), ok);
	ck_assert_msg(strstr(err.text, fault) && strstr(warned.text, warning), "%s", err.text);
	filetext_fini(&t);
	ck_assert_ptr_null(t.data);
}

START_TEST(who_may_do_what)
{
	assert_mode(0600, true, "", "");
	assert_mode(0640, true, "", "");
	assert_mode(0644, false, "", "");
	assert_mode(0644, true, "", "can be read by anybody (mode 644)");
	assert_mode(0602, true, "can be written to by anybody (mode 602)", "");
	assert_mode(0666, false, "can be written to by anybody (mode 666)", "");
	assert_mode(0660, true, "", ""); /* the group is ours */
}
END_TEST

START_TEST(others_who_own_it)
{
	struct err err = { "" }, warned;
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(path, 12345, 0), 0);
	assert_mode(0660, true, "", ""); /* it may be who we are going to be */
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert(filetext_check(path, false, &err, &warned));
	ck_assert_str_eq(warned.text, "belongs to the user 12345, who may change it");
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(chown(path, 0, 12345), 0);
	assert_mode(0660, true, "can be written to by the group 12345", "");
	assert_mode(0640, true, "", "");
}
END_TEST

START_TEST(what_is_no_file)
{
	struct filetext t;
	struct err err = { "" };
	ck_assert(!filetext_load(&t, "/tmp", false, 100, &err));
	ck_assert_str_eq(err.text, "is not a regular file");
	ck_assert(!filetext_load(&t, "/dev/null", false, 100, &err));
	ck_assert_str_eq(err.text, "is not a regular file");
	remove_file();
	ck_assert(!filetext_load(&t, path, false, 100, &err));
	ck_assert_str_eq(err.text, "cannot be opened: No such file or directory");
	ck_assert(!filetext_check(path, false, &err, &t.warning));
	ck_assert_str_eq(err.text, "cannot be opened: No such file or directory");
	ck_assert_int_eq(mkfifo(path, 0600), 0); /* does not wait for a writer */
	ck_assert(!filetext_load(&t, path, false, 100, &err));
	ck_assert_str_eq(err.text, "is not a regular file");
}
END_TEST

START_TEST(sizes)
{
	struct filetext t;
	struct err err = { "" };
	ck_assert(!filetext_load(&t, path, false, 8, &err));
	ck_assert_str_eq(err.text, "is larger than 8 bytes");
	ck_assert(filetext_load(&t, path, false, 9, &err));
	filetext_fini(&t);
	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert(filetext_load(&t, path, false, 9, &err));
	ck_assert_uint_eq(filetext_slice(&t).len, 0);
	filetext_fini(&t);
}
END_TEST

Suite *suite_filetext(void)
{
	Suite *s = suite_create("filetext");
	TCase *tc = tcase_create("file");
	tcase_add_checked_fixture(tc, make_file, remove_file);
	tcase_add_test(tc, who_may_do_what);
	tcase_add_test(tc, others_who_own_it);
	tcase_add_test(tc, what_is_no_file);
	tcase_add_test(tc, sizes);
	suite_add_tcase(s, tc);
	return s;
}
