/*
 * test_log.c - log lines: their form, where they go, and what happens when they cannot.
 *
 * check runs every test in a process of its own, so each begins with the log as it is at
 * the start of the program.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_base.h"

static char dir[64];
static char path[128];

static void set_up(void)
{
	snprintf(dir, sizeof(dir), "%s", "/tmp/check_log.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
}

static void tear_down(void)
{
	char other[160];
	log_thread_stop();
	snprintf(other, sizeof(other), "%s.1", path);
	unlink(path);
	unlink(other);
	rmdir(dir);
}

static void open_log(enum log_level level)
{
	struct err err;
	struct log_config config = { .level = level, .file = path };
	ck_assert_msg(log_open(&config, &err), "%s", err.text);
}

/* The file's content; the caller frees it. */
static char *content(const char *name)
{
	static const size_t most = (size_t)16 << 20;
	char *text = calloc(1, most);
	int fd = open(name, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	size_t len = 0;
	ssize_t n;
	while (len + 1 < most && (n = read(fd, text + len, most - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	return text;
}

static unsigned lines_with(const char *text, const char *what)
{
	unsigned n = 0;
	for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
		n++;
	return n;
}

START_TEST(form_of_a_line)
{
	open_log(LOG_LEVEL_INFO);
	errno = EPERM;
	LOG_INFO("hello %d", 42);
	ck_assert_int_eq(errno, EPERM);
	LOG_DEBUG("not %s", "this");
	LOG_WARNING("two\nlines and \x1b[31m red\tone\n");
	log_raw(SLICE("as it\nis"));
	char *text = content(path);
	int year, month, day, hour, minute, second, msec, pid;
	char level[16], rest[16];
	ck_assert_int_eq(sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d.%3d UTC [%d] %15s %15s", &year,
				&month, &day, &hour, &minute, &second, &msec, &pid, level, rest),
			 10);
	ck_assert_int_ge(year, 2020);
	ck_assert_int_eq(pid, getpid());
	ck_assert_str_eq(level, "LOG");
	ck_assert_str_eq(rest, "hello");
	ck_assert_ptr_null(strstr(text, "not this"));
	ck_assert_ptr_nonnull(strstr(text, "WARNING two\\nlines and \\x1b[31m red\\tone\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nas it\\nis\n"));
	ck_assert_uint_eq(lines_with(text, "\n"), 3);
	free(text);
}
END_TEST

START_TEST(levels)
{
	open_log(LOG_LEVEL_DEBUG);
	ck_assert(log_is_on(LOG_LEVEL_DEBUG));
	ck_assert(!log_is_on(LOG_LEVEL_NOISE));
	log_set_level(LOG_LEVEL_ERROR);
	ck_assert(log_is_on(LOG_LEVEL_FATAL));
	ck_assert(!log_is_on(LOG_LEVEL_WARNING));
	log_raw(SLICE("a raw line is not filtered"));
	char *text = content(path);
	ck_assert_uint_eq(lines_with(text, "a raw line"), 1);
	free(text);
}
END_TEST

START_TEST(long_lines)
{
	static char big[3000000];
	memset(big, 'x', sizeof(big) - 1);
	open_log(LOG_LEVEL_INFO);
	LOG_INFO("%.100000s|", big);
	LOG_INFO("%s|", big);
	char *text = content(path);
	ck_assert_uint_eq(lines_with(text, "|\n"), 1); /* the second was cut */
	ck_assert_uint_eq(lines_with(text, "\n"), 2);
	ck_assert_uint_gt(strlen(text), 1000000);
	free(text);
}
END_TEST

#define WRITERS 4
#define LINES 2000

static void *chatter(void *arg)
{
	for (int i = 0; i < LINES; i++)
		LOG_INFO("writer %d line %d end", *(int *)arg, i);
	return NULL;
}

START_TEST(many_threads)
{
	struct err err;
	pthread_t threads[WRITERS];
	int numbers[WRITERS];
	open_log(LOG_LEVEL_INFO);
	ck_assert(log_thread_start(&err));
	for (int i = 0; i < WRITERS; i++) {
		numbers[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, chatter, &numbers[i]), 0);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	log_thread_stop();
	LOG_INFO("after the thread");

	char *text = content(path);
	ck_assert_uint_eq(log_left_out(), 0);
	ck_assert_uint_eq(lines_with(text, " end\n"), WRITERS * LINES);
	ck_assert_uint_eq(lines_with(text, "after the thread\n"), 1);
	/* each writer's lines are in their order */
	for (int w = 0; w < WRITERS; w++) {
		const char *at = text;
		for (int i = 0; i < LINES; i += 97) {
			char line[64];
			snprintf(line, sizeof(line), "writer %d line %d end\n", w, i);
			at = strstr(at, line);
			ck_assert_ptr_nonnull(at);
		}
	}
	free(text);
}
END_TEST

START_TEST(flush_and_rotate)
{
	struct err err;
	char old[160];
	snprintf(old, sizeof(old), "%s.1", path);
	open_log(LOG_LEVEL_INFO);
	ck_assert(log_thread_start(&err));
	LOG_INFO("first");
	log_flush();
	ck_assert_int_eq(rename(path, old), 0);
	LOG_INFO("second");
	log_flush();
	log_reopen();
	LOG_INFO("third");
	log_flush();
	char *before = content(old), *after = content(path);
	ck_assert_uint_eq(lines_with(before, "first"), 1);
	ck_assert_uint_eq(lines_with(before, "second"), 1);
	ck_assert_uint_eq(lines_with(before, "third"), 0);
	ck_assert_uint_eq(lines_with(after, "third"), 1);
	free(before);
	free(after);
}
END_TEST

START_TEST(reopen_fails_softly)
{
	open_log(LOG_LEVEL_INFO);
	LOG_INFO("first");
	int fd = open(path, O_RDONLY);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	log_reopen();
	LOG_INFO("second");
	char text[1024] = "";
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	ck_assert_uint_eq(lines_with(text, "cannot open log file"), 1);
	ck_assert_uint_eq(lines_with(text, "second"), 1);
}
END_TEST

START_TEST(wrong_wishes)
{
	struct err err;
	open_log(LOG_LEVEL_INFO);
	struct log_config bad_file = { .level = LOG_LEVEL_INFO, .file = "/nonexistent/x/log" };
	ck_assert(!log_open(&bad_file, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/x/log"));
	struct log_config bad_facility = {
		.level = LOG_LEVEL_INFO,
		.syslog_ident = "x",
		.syslog_facility = "local9",
	};
	ck_assert(!log_open(&bad_facility, &err));
	ck_assert(log_is_facility(SLICE("local7")));
	ck_assert(log_is_facility(SLICE("daemon")));
	ck_assert(!log_is_facility(SLICE("local8")));
	LOG_INFO("as before");
	char *text = content(path);
	ck_assert_uint_eq(lines_with(text, "as before"), 1);
	free(text);
}
END_TEST

/* A reader that does not read: lines are left out rather than waited for. */
START_TEST(a_stuck_sink_stops_nobody)
{
	struct err err;
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	int saved = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	close(ends[1]);
	struct log_config config = { .level = LOG_LEVEL_INFO, .to_stderr = true };
	ck_assert(log_open(&config, &err));
	ck_assert(log_thread_start(&err));

	static char text[4000];
	memset(text, 'y', sizeof(text) - 1);
	for (int i = 0; i < 20000; i++) /* 80 MB into a bound of a few */
		LOG_INFO("%s", text);
	uint64_t left_out = log_left_out();
	ck_assert_uint_gt(left_out, 10000);

	/* Once somebody reads, what is there comes out, with the count of what is not. */
	char want[64];
	snprintf(want, sizeof(want), "WARNING %llu log lines were left out\n",
		 (unsigned long long)left_out);
	FILE *reader = fdopen(ends[0], "r");
	size_t cap = 0;
	char *line = NULL;
	unsigned lines = 0, told = 0;
	bool is_last = false;
	while (!is_last && getline(&line, &cap, reader) > 0) {
		lines++;
		if (strstr(line, want)) {
			told++;
			LOG_INFO("the last");
		}
		is_last = strstr(line, "the last") != NULL;
	}
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(log_left_out(), left_out);
	ck_assert_uint_eq(lines + left_out, 20002);
	dup2(saved, STDERR_FILENO);
	free(line);
	log_thread_stop();
	fclose(reader);
}
END_TEST

/* The disk is full for a while. */
START_TEST(write_errors_are_told_later)
{
	struct rlimit limit = { .rlim_cur = 100, .rlim_max = RLIM_INFINITY };
	signal(SIGXFSZ, SIG_IGN);
	open_log(LOG_LEVEL_INFO);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 10; i++)
		LOG_INFO("a line of some length, number %d, and then some", i);
	ck_assert_uint_gt(log_write_errors(), 5);
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	LOG_INFO("room again");
	char *text = content(path);
	ck_assert_uint_eq(lines_with(text, "LOG room again\n"), 1);
	ck_assert_uint_eq(lines_with(text, "writes to the log failed\n"), 1);
	const char *whole = strstr(text, "LOG room again"); /* begins a line of its own */
	while (whole > text && whole[-1] != '\n')
		whole--;
	ck_assert_int_eq(strncmp(whole, "20", 2), 0);
	free(text);
}
END_TEST

START_TEST(under_the_journal)
{
	struct err err;
	struct stat st;
	char stream[64];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	int saved = dup(STDERR_FILENO);
	ck_assert_int_eq(fstat(fd, &st), 0);
	dup2(fd, STDERR_FILENO);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	struct log_config config = { .level = LOG_LEVEL_INFO, .to_stderr = true };
	ck_assert(log_open(&config, &err));
	LOG_ERROR("trouble");
	LOG_INFO("course");
	log_raw(SLICE("raw"));
	setenv("JOURNAL_STREAM", "1:1", 1); /* somebody else's: not for us */
	ck_assert(log_open(&config, &err));
	LOG_INFO("dated");
	dup2(saved, STDERR_FILENO);
	close(fd);
	char *text = content(path);
	ck_assert_int_eq(strncmp(text, "<3>trouble\n<6>course\n<6>raw\n20", 30), 0);
	ck_assert_ptr_nonnull(strstr(text, "LOG dated\n"));
	free(text);
}
END_TEST

Suite *suite_log(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, form_of_a_line);
	tcase_add_test(tc, levels);
	tcase_add_test(tc, long_lines);
	tcase_add_test(tc, many_threads);
	tcase_add_test(tc, flush_and_rotate);
	tcase_add_test(tc, reopen_fails_softly);
	tcase_add_test(tc, wrong_wishes);
	tcase_add_test(tc, a_stuck_sink_stops_nobody);
	tcase_add_test(tc, write_errors_are_told_later);
	tcase_add_test(tc, under_the_journal);
	suite_add_tcase(s, tc);
	return s;
}
