/*
 * test_userlist.c - userlist.txt: what is read, what is refused with which line, the file itself.
 */
#include "auth/userlist.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_auth.h"

/* What was reported, a line each: "F3 text" or "W3 text". */
struct report {
	struct buf lines;
	unsigned faults, warnings;
};

static void on_report(void *arg, bool is_fault, unsigned line, const char *text)
{
	struct report *r = arg;
	*(is_fault ? &r->faults : &r->warnings) += 1;
	buf_addf(&r->lines, "%c%u %s\n", is_fault ? 'F' : 'W', line, text);
}

static struct userlist *parse(const char *text, struct report *r)
{
	*r = (struct report){ 0 };
	return userlist_parse(slice_of(text), NULL, on_report, r);
}

static const char *secret_of(const struct userlist *u, const char *name)
{
	struct secret *s = userlist_get(u, slice_of(name));
	return s ? secret_text(s).ptr : NULL;
}

/* Parsed without a word, name has the secret, and there are `count` in all. */
static void assert_user(const char *text, const char *name, const char *secret, size_t count)
{
	struct report r;
	struct userlist *u = parse(text, &r);
	ck_assert_msg(u, "%s", buf_cstr(&r.lines));
	ck_assert_uint_eq(r.warnings, 0);
	ck_assert_uint_eq(userlist_count(u), count);
	ck_assert_pstr_eq(secret_of(u, name), secret);
	buf_fini(&r.lines);
	userlist_unref(u);
}

START_TEST(what_is_read)
{
	assert_user("", "a", NULL, 0);
	assert_user("\n\n  \n", "a", NULL, 0);
	assert_user("\"a\" \"b\"", "a", "b", 1);
	assert_user("\"a\" \"b\"\n", "a", "b", 1);
	assert_user("\"a\" \"b\"\r\n\"c\" \"d\"\r\n", "c", "d", 2);
	assert_user("  \t\"a\"\t \t\"b\"  \n", "a", "b", 1);
	assert_user("\"a\" \"b\" \"c\" and more\n", "a", "b", 1);
	assert_user("\"a\" \"b\"more\n", "a", "b", 1);
	assert_user("; \"a\n# \"b\n\"a\" \"b\" ; c\n", "a", "b", 1);
	assert_user("\"a\" \"; # \"\n", "a", "; # ", 1);
	assert_user("\xef\xbb\xbf\"a\" \"b\"\n", "a", "b", 1);
	assert_user("\"a\" \"\"\n", "a", "", 1);
	assert_user("\"two words\" \" b \"\n", "two words", " b ", 1);
	assert_user("\"J\xc3\xb6rg\" \"b\"\n", "J\xc3\xb6rg", "b", 1);
}
END_TEST

START_TEST(quotes_are_doubled)
{
	assert_user("\"a\"\"b\" \"c\"\"d\"\n", "a\"b", "c\"d", 1);
	assert_user("\"\"\"\" \"\"\"\"\n", "\"", "\"", 1);
	assert_user("\"a\" \"\"\"\"\"\"\n", "a", "\"\"", 1);
	assert_user("\"a\" \"b\"\"\"\n", "a", "b\"", 1);
	assert_user("\"a\" \"\\\"\n", "a", "\\", 1); /* a backslash is a backslash */
}
END_TEST

START_TEST(what_is_refused)
{
	static const struct {
		const char *text, *report;
	} bad[] = {
		{ "a \"b\"", "F1 a line must begin with the user's name in quotes\n" },
		{ "'a' 'b'", "F1 a line must begin with the user's name in quotes\n" },
		{ "\"a", "F1 the quote that opens the user's name is not closed\n" },
		{ "\"", "F1 the quote that opens the user's name is not closed\n" },
		{ "\"a\"\"", "F1 the quote that opens the user's name is not closed\n" },
		{ "\"a\"", "F1 the user's name must be followed by the secret in quotes\n" },
		{ "\"a\"\"b\"", "F1 the user's name must be followed by the secret in quotes\n" },
		{ "\"a\" b", "F1 the user's name must be followed by the secret in quotes\n" },
		{ "\"a\", \"b\"", "F1 the user's name must be followed by the secret in quotes\n" },
		{ "\"a\"\n\"b\"\n",
		  "F1 the user's name must be followed by the secret in quotes\n"
		  "F2 the user's name must be followed by the secret in quotes\n" },
		{ "\"a\" \"b", "F1 the quote that opens the secret is not closed\n" },
		{ "\"a\" \"b\"\"", "F1 the quote that opens the secret is not closed\n" },
		{ "\"a\" \"b\nc\"", "F1 the quote that opens the secret is not closed\n"
				    "F2 a line must begin with the user's name in quotes\n" },
		{ "\"\" \"b\"", "F1 the user's name is empty\n" },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct report r;
		ck_assert_msg(!parse(bad[i].text, &r), "%s", bad[i].text);
		ck_assert_str_eq(buf_cstr(&r.lines), bad[i].report);
		buf_fini(&r.lines);
	}
}
END_TEST

START_TEST(all_faults_are_reported)
{
	struct report r;
	ck_assert(!parse("\"a\" \"b\"\nbad\n; fine\n\"c\"\n\n\"\" \"d\"\n", &r));
	ck_assert_uint_eq(r.faults, 3);
	const char *lines = buf_cstr(&r.lines);
	ck_assert_ptr_nonnull(strstr(lines, "F2 "));
	ck_assert_ptr_nonnull(strstr(lines, "\nF4 "));
	ck_assert_ptr_nonnull(strstr(lines, "\nF6 "));
	buf_fini(&r.lines);
}
END_TEST

START_TEST(zero_bytes)
{
	struct report r = { 0 };
	ck_assert(!userlist_parse(SLICE("\"a\" \"b\0c\"\n"), NULL, on_report, &r));
	ck_assert_str_eq(buf_cstr(&r.lines), "F1 there is a zero byte in the line\n");
	buf_fini(&r.lines);
}
END_TEST

/* A name and a secret of these lengths are read. */
static bool takes_lengths(size_t name_len, size_t secret_len)
{
	struct report r = { 0 };
	struct buf b = { 0 };
	buf_u8(&b, '"');
	for (size_t i = 0; i < name_len; i++)
		buf_u8(&b, 'n');
	buf_add_str(&b, "\" \"");
	for (size_t i = 0; i < secret_len; i++)
		buf_u8(&b, 's');
	buf_add_str(&b, "\"\n\"other\" \"x\"\n");
	struct userlist *u = userlist_parse(buf_slice(&b), NULL, on_report, &r);
	bool ok = u != NULL;
	if (ok) {
		ck_assert_uint_eq(userlist_count(u), 2);
		struct secret *s =
			userlist_get(u, slice_skip(slice_head(buf_slice(&b), 1 + name_len), 1));
		ck_assert_ptr_nonnull(s);
		ck_assert_uint_eq(secret_text(s).len, secret_len);
	}
	ck_assert_uint_eq(r.faults, !ok);
	userlist_unref(u);
	buf_fini(&b);
	buf_fini(&r.lines);
	return ok;
}

START_TEST(long_lines)
{
	ck_assert(takes_lengths(63, 200));
	ck_assert(takes_lengths(USERLIST_MAX_NAME_BYTES, USERLIST_MAX_SECRET_BYTES));
	for (size_t more = 1; more < 3; more++) {
		ck_assert(!takes_lengths(USERLIST_MAX_NAME_BYTES + more, 1));
		ck_assert(!takes_lengths(1, USERLIST_MAX_SECRET_BYTES + more));
	}
	ck_assert(!takes_lengths(100000, 1));
	ck_assert(!takes_lengths(1, 1000000));
}
END_TEST

START_TEST(last_line_for_a_name_counts)
{
	struct report r;
	struct userlist *u = parse("\"b\" \"1\"\n\"a\" \"x\"\n\"b\" \"2\"\n\"b\" \"3\"\n", &r);
	ck_assert_ptr_nonnull(u);
	ck_assert_uint_eq(userlist_count(u), 2);
	ck_assert_str_eq(secret_of(u, "b"), "3");
	ck_assert_str_eq(secret_of(u, "a"), "x");
	ck_assert_str_eq(buf_cstr(&r.lines),
			 "W3 user \"b\" was on line 1 already: this line counts\n"
			 "W4 user \"b\" was on line 3 already: this line counts\n");
	buf_fini(&r.lines);
	userlist_unref(u);
}
END_TEST

START_TEST(doubtful_secrets_are_told)
{
	struct report r;
	struct userlist *u = parse("\"a\" \"SCRAM-SHA-256$4096:abc\"\n", &r);
	ck_assert_ptr_nonnull(u);
	ck_assert_uint_eq(r.warnings, 1);
	ck_assert_ptr_null(strstr(buf_cstr(&r.lines), "4096")); /* the secret stays one */
	ck_assert_int_eq(secret_kind(userlist_get(u, SLICE("a"))), SECRET_PLAIN);
	buf_fini(&r.lines);
	userlist_unref(u);
}
END_TEST

START_TEST(many_users_are_found)
{
	struct buf b = { 0 };
	struct report r = { 0 };
	for (unsigned i = 0; i < 3000; i++)
		buf_addf(&b, "\"user%u\" \"secret%u\"\n", i * 7919 % 3000, i * 7919 % 3000);
	struct userlist *u = userlist_parse(buf_slice(&b), NULL, on_report, &r);
	ck_assert_ptr_nonnull(u);
	ck_assert_uint_eq(userlist_count(u), 3000);
	for (unsigned i = 0; i < 3000; i++) {
		char name[20], secret[20];
		snprintf(name, sizeof(name), "user%u", i);
		snprintf(secret, sizeof(secret), "secret%u", i);
		ck_assert_str_eq(secret_of(u, name), secret);
	}
	ck_assert_ptr_null(secret_of(u, "user"));
	ck_assert_ptr_null(secret_of(u, "user3000"));
	ck_assert_ptr_null(secret_of(u, ""));
	for (size_t i = 0; i < userlist_count(u); i++)
		ck_assert_ptr_eq(userlist_get(u, userlist_name_at(u, i)), userlist_secret_at(u, i));
	buf_fini(&b);
	userlist_unref(u);
}
END_TEST

START_TEST(reload_keeps_what_was_computed)
{
	struct report r = { 0 };
	struct userlist *old = parse("\"a\" \"x\"\n\"b\" \"y\"\n\"c\" \"z\"\n", &r);
	struct scram_verifier v;
	ck_assert(secret_make_verifier(userlist_get(old, SLICE("a")), SLICE("salt"), &v));
	struct userlist *new = userlist_parse(SLICE("\"c\" \"z\"\n\"b\" \"other\"\n\"a\" \"x\"\n"),
					      old, on_report, &r);
	ck_assert_ptr_nonnull(new);
	ck_assert_ptr_eq(userlist_get(new, SLICE("a")), userlist_get(old, SLICE("a")));
	ck_assert_ptr_ne(userlist_get(new, SLICE("b")), userlist_get(old, SLICE("b")));
	userlist_unref(old);
	ck_assert_ptr_nonnull(secret_verifier(userlist_get(new, SLICE("a")), SLICE("salt")));
	ck_assert_str_eq(secret_of(new, "b"), "other");
	userlist_unref(new);
}
END_TEST

START_TEST(mostly_scram)
{
	struct report r;
	struct buf b = { 0 };
	struct userlist *u = userlist_new();
	ck_assert(!userlist_is_mostly_scram(u));
	userlist_unref(userlist_ref(u));
	userlist_unref(u);
	buf_addf(&b, "\"a\" \"%s\"\n\"b\" \"x\"\n", known_ascii[0].secret);
	u = parse(buf_cstr(&b), &r);
	ck_assert(!userlist_is_mostly_scram(u));
	userlist_unref(u);
	buf_addf(&b, "\"c\" \"%s\"\n", known_ascii[1].secret);
	u = parse(buf_cstr(&b), &r);
	ck_assert(userlist_is_mostly_scram(u));
	userlist_unref(u);
	buf_fini(&b);
}
END_TEST

/* A list of users whose SCRAM secrets have these numbers of iterations; 0: a plain one. */
static uint32_t usual_of(const unsigned *iterations, size_t count)
{
	struct report r;
	struct buf b = { 0 };
	for (size_t i = 0; i < count; i++) {
		const char *rest = strchr(known_ascii[0].secret, ':');
		if (iterations[i])
			buf_addf(&b, "\"u%zu\" \"SCRAM-SHA-256$%u%s\"\n", i, iterations[i], rest);
		else
			buf_addf(&b, "\"u%zu\" \"x\"\n", i);
	}
	struct userlist *u = parse(buf_cstr(&b), &r);
	uint32_t usual = userlist_usual_iterations(u);
	userlist_unref(u);
	buf_fini(&b);
	return usual;
}

START_TEST(usual_iterations)
{
	ck_assert_uint_eq(usual_of(NULL, 0), SCRAM_ITERATIONS);
	ck_assert_uint_eq(usual_of((const unsigned[]){ 0, 0, 0 }, 3), SCRAM_ITERATIONS);
	ck_assert_uint_eq(usual_of((const unsigned[]){ 0, 20000, 0 }, 3), 20000);
	ck_assert_uint_eq(usual_of((const unsigned[]){ 4096, 20000, 4096, 20000, 20000 }, 5),
			  20000);
	ck_assert_uint_eq(usual_of((const unsigned[]){ 20000, 4096, 0, 4096, 10000, 4096 }, 6),
			  4096);
}
END_TEST

/* ---- the file ---------------------------------------------------------------------- */

static char path[64];

static void make_file(void)
{
	snprintf(path, sizeof(path), "/tmp/check_userlist.XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	static const char text[] = "\"a\" \"b\"\n";
	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
}

static void remove_file(void)
{
	unlink(path);
	rmdir(path);
}

static struct userlist *load(struct report *r)
{
	*r = (struct report){ 0 };
	return userlist_load(path, NULL, on_report, r);
}

START_TEST(reads_a_file)
{
	struct report r;
	struct userlist *u = load(&r);
	ck_assert_ptr_nonnull(u);
	ck_assert_uint_eq(r.warnings, 0);
	ck_assert_str_eq(secret_of(u, "a"), "b");
	userlist_unref(u);
}
END_TEST

START_TEST(file_that_others_may_touch)
{
	struct report r;
	ck_assert_int_eq(chmod(path, 0644), 0);
	struct userlist *u = load(&r);
	ck_assert_ptr_nonnull(u);
	ck_assert_str_eq(buf_cstr(&r.lines),
			 "W0 can be read by anybody (mode 644): chmod o-r it\n");
	userlist_unref(u);
	buf_fini(&r.lines);

	ck_assert_int_eq(chmod(path, 0602), 0);
	ck_assert_ptr_null(load(&r));
	ck_assert_str_eq(buf_cstr(&r.lines),
			 "F0 can be written to by anybody (mode 602): chmod o-w it\n");
	buf_fini(&r.lines);
}
END_TEST

START_TEST(what_is_no_file)
{
	struct report r;
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_ptr_null(load(&r));
	ck_assert_str_eq(buf_cstr(&r.lines), "F0 cannot be opened: No such file or directory\n");
	buf_fini(&r.lines);
	ck_assert_int_eq(mkfifo(path, 0600), 0); /* does not wait for a writer */
	ck_assert_ptr_null(load(&r));
	ck_assert_str_eq(buf_cstr(&r.lines), "F0 is not a regular file\n");
	buf_fini(&r.lines);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_ptr_null(load(&r));
	ck_assert_str_eq(buf_cstr(&r.lines), "F0 is not a regular file\n");
	buf_fini(&r.lines);
}
END_TEST

START_TEST(large_files)
{
	struct report r;
	FILE *f = fopen(path, "w");
	for (unsigned i = 0; i < 50000; i++)
		fprintf(f, "\"user%u\" \"%064u\"\n", i, i);
	ck_assert_int_eq(fclose(f), 0);
	struct userlist *u = load(&r);
	ck_assert_ptr_nonnull(u);
	ck_assert_uint_eq(userlist_count(u), 50000);
	ck_assert_ptr_nonnull(secret_of(u, "user49999"));
	userlist_unref(u);

	ck_assert_int_eq(truncate(path, (off_t)USERLIST_MAX_FILE_BYTES + 1), 0);
	ck_assert_ptr_null(load(&r));
	ck_assert_str_eq(buf_cstr(&r.lines), "F0 is larger than 67108864 bytes\n");
	buf_fini(&r.lines);
}
END_TEST

Suite *suite_userlist(void)
{
	Suite *s = suite_create("userlist");
	TCase *tc = tcase_create("text");
	tcase_add_test(tc, what_is_read);
	tcase_add_test(tc, quotes_are_doubled);
	tcase_add_test(tc, what_is_refused);
	tcase_add_test(tc, all_faults_are_reported);
	tcase_add_test(tc, zero_bytes);
	tcase_add_test(tc, long_lines);
	tcase_add_test(tc, last_line_for_a_name_counts);
	tcase_add_test(tc, doubtful_secrets_are_told);
	tcase_add_test(tc, many_users_are_found);
	tcase_add_test(tc, reload_keeps_what_was_computed);
	tcase_add_test(tc, mostly_scram);
	tcase_add_test(tc, usual_iterations);
	suite_add_tcase(s, tc);

	tc = tcase_create("file");
	tcase_add_checked_fixture(tc, make_file, remove_file);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, reads_a_file);
	tcase_add_test(tc, file_that_others_may_touch);
	tcase_add_test(tc, what_is_no_file);
	tcase_add_test(tc, large_files);
	suite_add_tcase(s, tc);
	return s;
}
