/*
 * test_inifile.c - the reader in front of inih: none of inih's surprises shows.
 */
#include "conf/inifile.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "check_conf.h"
#include "conf/faults.h"

static struct confmem mem;
static struct inifile_entries entries;
static struct conf_faults faults;
static char dir[64];

static void set_up(void)
{
	snprintf(dir, sizeof(dir), "%s", "/tmp/check_ini.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
	faults_fini(&faults);
	confmem_fini(&mem);
}

static void read_text(struct slice text)
{
	faults_fini(&faults);
	confmem_fini(&mem);
	inifile_read_memory(text, "m.ini", &mem, &entries, &faults);
}

static const char *path_of(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void read_file(const char *name)
{
	faults_fini(&faults);
	confmem_fini(&mem);
	inifile_read_file(path_of(name), &mem, &entries, &faults);
}

/* The entry at i is this. */
static void is_entry(size_t i, int line, const char *section, const char *key, const char *value)
{
	ck_assert_uint_lt(i, entries.count);
	const struct inifile_entry *e = &entries.items[i];
	ck_assert_str_eq(e->section, section);
	ck_assert_str_eq(e->key, key);
	ck_assert_str_eq(e->value, value);
	ck_assert_int_eq(e->line, line);
}

START_TEST(plain_lines)
{
	read_text(SLICE("; comment\n[a]\nk = v\n# another\n\n  ; a third = x\nk2=v2\n[ b ]\nk=\n"));
	ck_assert_uint_eq(faults.count, 0);
	ck_assert_uint_eq(entries.count, 3);
	is_entry(0, 3, "a", "k", "v");
	is_entry(1, 7, "a", "k2", "v2");
	is_entry(2, 9, "b", "k", "");
	ck_assert_str_eq(entries.items[0].file, "m.ini");
}
END_TEST

START_TEST(nothing_at_all)
{
	read_text(SLICE(""));
	ck_assert_uint_eq(entries.count + faults.count, 0);
	read_text(SLICE("\n\n\n"));
	ck_assert_uint_eq(entries.count + faults.count, 0);
	read_text(SLICE("[a]"));
	ck_assert_uint_eq(entries.count + faults.count, 0);
}
END_TEST

/* inih: the rest of a line after " ;" is a comment. */
START_TEST(semicolons_in_values)
{
	read_text(SLICE("[a]\np = 'x ;y' ; z\nq = #1\nr = ;\ns = a # b\n"));
	is_entry(0, 2, "a", "p", "'x ;y' ; z");
	is_entry(1, 3, "a", "q", "#1");
	is_entry(2, 4, "a", "r", ";");
	is_entry(3, 5, "a", "s", "a # b");
	ck_assert_uint_eq(faults.count, 0);
}
END_TEST

/* inih: a line is cut after 199 bytes, and its rest is a line of its own. */
START_TEST(long_lines)
{
	static const size_t lengths[] = { 190, 197, 198, 199, 200, 201, 1000, 100000, 3000000 };
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		struct buf text = { .data = NULL };
		buf_add_str(&text, "[s]\nkey = ");
		for (size_t j = 0; j < lengths[i]; j++)
			buf_u8(&text, j % 100 == 99 ? '=' : 'a');
		buf_add_str(&text, "\nnext = 1\n");
		read_text(buf_slice(&text));
		ck_assert_uint_eq(faults.count, 0);
		ck_assert_uint_eq(entries.count, 2);
		ck_assert_uint_eq(strlen(entries.items[0].value), lengths[i]);
		is_entry(1, 3, "s", "next", "1");
		buf_fini(&text);
	}
	/* keys and sections too */
	struct buf text = { .data = NULL };
	buf_add_str(&text, "[");
	for (int j = 0; j < 300; j++)
		buf_u8(&text, 's');
	buf_add_str(&text, "]\n");
	for (int j = 0; j < 300; j++)
		buf_u8(&text, 'k');
	buf_add_str(&text, " = v\n");
	read_text(buf_slice(&text));
	ck_assert_uint_eq(entries.count, 1);
	ck_assert_uint_eq(strlen(entries.items[0].section), 300);
	ck_assert_uint_eq(strlen(entries.items[0].key), 300);
	buf_fini(&text);
}
END_TEST

/* inih: a colon separates key and value. */
START_TEST(colons)
{
	read_text(SLICE("[a]\nx:y = 1\nhost:port=b:c\nu = a:b=c\n"));
	is_entry(0, 2, "a", "x:y", "1");
	is_entry(1, 3, "a", "host:port", "b:c");
	is_entry(2, 4, "a", "u", "a:b=c");
	read_text(SLICE("[a]\nonly: colon\n"));
	ck_assert_uint_eq(faults.count, 1);
	ck_assert(check_conf_has(&faults, 2, "not KEY = VALUE"));
}
END_TEST

/* inih: an indented line is more of the value above. */
START_TEST(indented_lines)
{
	read_text(SLICE("  [a]\n\tk = 1\n    j = 2\n  \t \n"));
	ck_assert_uint_eq(entries.count, 2);
	is_entry(0, 2, "a", "k", "1");
	is_entry(1, 3, "a", "j", "2");
	read_text(SLICE("[a]\nk = 1\n   more\n"));
	ck_assert_uint_eq(faults.count, 1);
	ck_assert(check_conf_has(&faults, 3, "\"more\""));
}
END_TEST

START_TEST(line_ends_and_mark)
{
	read_text(SLICE("\xef\xbb\xbf[a]\r\nk = v\r\n\r\nj=w"));
	ck_assert_uint_eq(faults.count, 0);
	is_entry(0, 2, "a", "k", "v");
	is_entry(1, 4, "a", "j", "w");
	/* only at the start */
	read_text(SLICE("[a]\n\xef\xbb\xbfk = v\n"));
	is_entry(0, 2, "a", "\xef\xbb\xbfk", "v");
}
END_TEST

START_TEST(quoted_names)
{
	read_text(SLICE("[databases]\n\"My DB\" = x\n\"a\"\"b\"=y\n\"k = 1 ;\" = z\n\"\" = e\n"
			"\" a \" = s\n\"[x]\"=t\n"));
	ck_assert_uint_eq(faults.count, 0);
	is_entry(0, 2, "databases", "My DB", "x");
	is_entry(1, 3, "databases", "a\"b", "y");
	is_entry(2, 4, "databases", "k = 1 ;", "z");
	is_entry(3, 5, "databases", "", "e");
	is_entry(4, 6, "databases", " a ", "s");
	is_entry(5, 7, "databases", "[x]", "t");
	read_text(SLICE("[a]\n\"open = 1\n\"x\" y = 1\n\"z\"\n"));
	ck_assert_uint_eq(faults.count, 3);
	ck_assert(check_conf_has(&faults, 2, "closing quote"));
	ck_assert(check_conf_has(&faults, 3, "between the quoted name"));
	ck_assert(check_conf_has(&faults, 4, "not KEY = VALUE"));
}
END_TEST

START_TEST(wrong_lines)
{
	read_text(SLICE("k = before\n[a]\nword\n= v\n[open\n[b] x\nk = 1\n%exclude x\n%include\n"
			"%includex y\n%include other.ini\n"));
	ck_assert(check_conf_has(&faults, 1, "before any section"));
	ck_assert(check_conf_has(&faults, 3, "\"word\""));
	ck_assert(check_conf_has(&faults, 4, "in front of the ="));
	ck_assert(check_conf_has(&faults, 5, "without its ]"));
	ck_assert(check_conf_has(&faults, 6, "behind the section"));
	ck_assert(check_conf_has(&faults, 8, "only directive"));
	ck_assert(check_conf_has(&faults, 9, "without a file"));
	ck_assert(check_conf_has(&faults, 10, "only directive"));
	ck_assert(check_conf_has(&faults, 11, "no place here"));
	ck_assert_uint_eq(faults.count, 9);
	is_entry(0, 7, "b", "k", "1"); /* and the rest was read */
	read_text(SLICE("[a]\nk = a\0b\n"));
	ck_assert(check_conf_has(&faults, 2, "zero byte"));
}
END_TEST

START_TEST(same_key_twice_both_told)
{
	read_text(SLICE("[a]\nk = 1\nk = 2\n[b]\nk = 3\n[a]\nk = 4\n"));
	ck_assert_uint_eq(entries.count, 4);
	is_entry(1, 3, "a", "k", "2");
	is_entry(2, 5, "b", "k", "3");
	is_entry(3, 7, "a", "k", "4");
}
END_TEST

START_TEST(many_sections)
{
	struct buf text = { .data = NULL };
	for (int i = 0; i < 5000; i++)
		buf_addf(&text, "[s%d]\nk%d = v%d\n", i, i, i);
	read_text(buf_slice(&text));
	ck_assert_uint_eq(entries.count, 5000);
	is_entry(0, 2, "s0", "k0", "v0");
	is_entry(4999, 10000, "s4999", "k4999", "v4999");
	buf_fini(&text);
}
END_TEST

START_TEST(includes)
{
	mkdir(path_of("sub"), 0700);
	write_file("a.ini", "[x]\nk = 1\n%include sub/b.ini\nk = 4\n");
	write_file("sub/b.ini", "k = 2\n%include   c.ini  \n[y]\n");
	write_file("sub/c.ini", "k = 3\n");
	read_file("a.ini");
	ck_assert_uint_eq(faults.count, 0);
	ck_assert_uint_eq(entries.count, 4);
	is_entry(0, 2, "x", "k", "1");
	is_entry(1, 1, "x", "k", "2");
	is_entry(2, 1, "x", "k", "3");
	is_entry(3, 4, "y", "k", "4"); /* the section goes on behind the file */
	ck_assert_str_eq(entries.items[2].file, path_of("sub/c.ini"));
	ck_assert_str_eq(entries.items[3].file, path_of("a.ini"));
}
END_TEST

START_TEST(includes_by_other_names)
{
	char text[256], there[] = "/tmp/check_ini_cwd.XXXXXX", before[512];
	write_file("c.ini", "[x]\nk = 3\n");
	snprintf(text, sizeof(text), "%%include %s\n", path_of("c.ini"));
	write_file("a.ini", text);
	read_file("a.ini"); /* absolute */
	is_entry(0, 2, "x", "k", "3");

	/* under the working directory, where PgBouncer looks */
	ck_assert_ptr_nonnull(getcwd(before, sizeof(before)));
	ck_assert_ptr_nonnull(mkdtemp(there));
	ck_assert_int_eq(chdir(there), 0);
	FILE *f = fopen("here.ini", "w");
	fputs("[x]\nk = 5\n", f);
	fclose(f);
	write_file("a.ini", "%include here.ini\n");
	read_file("a.ini");
	is_entry(0, 2, "x", "k", "5");
	unlink("here.ini");
	ck_assert_int_eq(chdir(before), 0);
	rmdir(there);
}
END_TEST

START_TEST(wrong_includes)
{
	write_file("a.ini", "[x]\n%include missing.ini\n%include b.ini\n%include /\nk = 1\n");
	write_file("b.ini", "\n%include a.ini\n");
	read_file("a.ini");
	ck_assert_uint_eq(faults.count, 3);
	ck_assert(check_conf_has(&faults, 2, "missing.ini: No such file"));
	ck_assert(check_conf_has(&faults, 2, "includes itself"));
	ck_assert(check_conf_has(&faults, 4, "directory"));
	is_entry(0, 5, "x", "k", "1");
	bool in_b = false;
	for (size_t i = 0; i < faults.count; i++)
		in_b = in_b || strcmp(faults.items[i].file, path_of("b.ini")) == 0;
	ck_assert(in_b); /* the fault is where the loop closes */

	for (int i = 0; i < 40; i++) {
		char name[32], text[64];
		snprintf(name, sizeof(name), "deep%d.ini", i);
		snprintf(text, sizeof(text), "%%include deep%d.ini\n", i + 1);
		write_file(name, text);
	}
	read_file("deep0.ini");
	ck_assert_uint_eq(faults.count, 1);
	ck_assert(check_conf_has(&faults, 1, "files deep"));
	read_file("nowhere.ini");
	ck_assert_uint_eq(faults.count, 1);
	ck_assert(check_conf_has(&faults, 0, "nowhere.ini: No such file"));
	read_file(".");
	ck_assert(check_conf_has(&faults, 0, "directory"));
}
END_TEST

Suite *suite_inifile(void)
{
	Suite *s = suite_create("inifile");
	TCase *tc = tcase_create("inifile");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, plain_lines);
	tcase_add_test(tc, nothing_at_all);
	tcase_add_test(tc, semicolons_in_values);
	tcase_add_test(tc, long_lines);
	tcase_add_test(tc, colons);
	tcase_add_test(tc, indented_lines);
	tcase_add_test(tc, line_ends_and_mark);
	tcase_add_test(tc, quoted_names);
	tcase_add_test(tc, wrong_lines);
	tcase_add_test(tc, same_key_twice_both_told);
	tcase_add_test(tc, many_sections);
	tcase_add_test(tc, includes);
	tcase_add_test(tc, includes_by_other_names);
	tcase_add_test(tc, wrong_includes);
	suite_add_tcase(s, tc);
	return s;
}
