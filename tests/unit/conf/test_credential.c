/*
 * test_credential.c - what systemd hands to the service, as paths and as passwords.
 */
#include "conf/credential.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_conf.h"

static char dir[] = "/tmp/check_credential.XXXXXX";
static struct confmem mem;

static void init(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
}

static void put(const char *text, size_t len)
{
	char path[100];
	snprintf(path, sizeof(path), "%s/pw", dir);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void fini(void)
{
	char path[100];
	snprintf(path, sizeof(path), "%s/pw", dir);
	unlink(path);
	rmdir(dir);
	confmem_fini(&mem);
}

START_TEST(paths)
{
	char wanted[100];
	struct err err;
	snprintf(wanted, sizeof(wanted), "%s/pw", dir);
	ck_assert_str_eq(credential_path("credential:pw", &mem, &err), wanted);
	ck_assert_str_eq(credential_path("/etc/pw", &mem, &err), "/etc/pw");
	ck_assert_str_eq(credential_path("", &mem, &err), "");
}
END_TEST

START_TEST(names_that_are_none)
{
	static const char *const bad[] = { "credential:", "credential:a/b", "credential:.",
					   "credential:..", "credential:/etc/passwd" };
	struct err err;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_msg(!credential_path(bad[i], &mem, &err), "%s", bad[i]);
		ck_assert_ptr_nonnull(strstr(err.text, "does not name a credential"));
	}
	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert_ptr_null(credential_path("credential:pw", &mem, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "LoadCredential="));
}
END_TEST

START_TEST(passwords)
{
	struct err err;
	ck_assert_ptr_null(credential_read("credential:pw", &mem, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "/pw: cannot be opened"));
	put("secret\n", 7);
	ck_assert_str_eq(credential_read("credential:pw", &mem, &err), "secret");
	put("secret\r\n", 8);
	ck_assert_str_eq(credential_read("credential:pw", &mem, &err), "secret");
	put(" se=c ret", 9);
	ck_assert_str_eq(credential_read("credential:pw", &mem, &err), " se=c ret");
	ck_assert_str_eq(credential_read("plain", &mem, &err), "plain");
	put("a\nb\n", 4);
	ck_assert_ptr_null(credential_read("credential:pw", &mem, &err));
	put("a\0b", 3);
	ck_assert_ptr_null(credential_read("credential:pw", &mem, &err));
	put("\n", 1);
	ck_assert_ptr_null(credential_read("credential:pw", &mem, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "it is not one line"));
}
END_TEST

START_TEST(in_a_configuration)
{
	put("secret\n", 7);
	struct conf *conf = check_conf_good("[databases]\n"
					    "a = host=h user=u password=credential:pw "
					    "sslkey=credential:key\n"
					    "[pgweir]\n"
					    "auth_file = credential:users\n"
					    "client_tls_key_file = credential:tls\n"
					    "admin_users = credential:x\n");
	char wanted[100];
	snprintf(wanted, sizeof(wanted), "%s/users", dir);
	ck_assert_str_eq(conf->global.auth_file, wanted);
	snprintf(wanted, sizeof(wanted), "%s/tls", dir);
	ck_assert_str_eq(conf->global.client_tls_key_file, wanted);
	ck_assert_str_eq(conf->databases[0].password, "secret");
	ck_assert_str_eq(conf->global.admin_users.items[0], "credential:x"); /* it names no file */
	snprintf(wanted, sizeof(wanted), "%s/key", dir);
	bool has_key = false;
	for (size_t i = 0; i < conf->databases[0].param_count; i++)
		has_key |= strcmp(conf->databases[0].params[i].value, wanted) == 0;
	ck_assert(has_key);
	conf_unref(conf);
}
END_TEST

Suite *suite_credential(void)
{
	Suite *s = suite_create("credential");
	TCase *tc = tcase_create("credentials");
	tcase_add_checked_fixture(tc, init, fini);
	tcase_add_test(tc, paths);
	tcase_add_test(tc, names_that_are_none);
	tcase_add_test(tc, passwords);
	tcase_add_test(tc, in_a_configuration);
	suite_add_tcase(s, tc);
	return s;
}
