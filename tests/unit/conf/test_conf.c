/*
 * test_conf.c - snapshots: defaults, dialects, who has the last word, faults, SET.
 */
#include "conf/conf.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "check_conf.h"
#include "conf/setting.h"

static const char *shown(const struct conf *conf, const char *key)
{
	for (size_t i = 0; i < conf->show_count; i++)
		if (strcmp(conf->show[i].key, key) == 0)
			return conf->show[i].value;
	return NULL;
}

static const char *param(const struct conf_database *db, const char *key)
{
	for (size_t i = 0; i < db->param_count; i++)
		if (strcmp(db->params[i].key, key) == 0)
			return db->params[i].value;
	return NULL;
}

START_TEST(defaults)
{
	struct conf *conf = check_conf_good("[databases]\nx =\n[pgweir]\nauth_file = f\n");
	const struct conf_global *g = &conf->global;
	ck_assert(!conf->is_pgbouncer);
	ck_assert_int_eq(g->listen_port, 6432);
	ck_assert_uint_eq(g->listen_addr.count, 1);
	ck_assert_int_eq(g->auth_type, CONF_AUTH_TYPE_SCRAM);
	ck_assert_int_eq(g->pool_size, 10);
	ck_assert_int_eq(g->max_overflow, 20);
	ck_assert_int_eq(g->pool_timeout_us, 30000000);
	ck_assert_int_eq(g->query_timeout_us, USEC_NEVER);
	ck_assert_int_eq(g->log_min_duration_statement_us, 1000000);
	ck_assert_int_eq(g->pool_mode, CONF_POOL_MODE_AUTO);
	ck_assert_int_eq(g->unix_socket_mode, 0777);
	ck_assert_str_eq(g->server_reset_query, "DISCARD ALL");
	ck_assert_str_eq(g->logfile, "");
	ck_assert_uint_eq(conf->notes.count, 0);
	conf_unref(conf);
}
END_TEST

START_TEST(pgbouncer_defaults)
{
	struct conf *conf = check_conf_good("[databases]\nx =\n[pgbouncer]\nauth_file = f\n");
	const struct conf_global *g = &conf->global;
	ck_assert(conf->is_pgbouncer);
	ck_assert_uint_eq(g->listen_addr.count, 0);
	ck_assert_int_eq(g->auth_type, CONF_AUTH_TYPE_MD5);
	ck_assert_int_eq(g->pool_size, 20);
	ck_assert_int_eq(g->max_overflow, 0);
	ck_assert_int_eq(g->overflow_delay_us, 5000000);
	ck_assert_int_eq(g->pool_timeout_us, 120000000);
	ck_assert_int_eq(g->pool_mode, CONF_POOL_MODE_SESSION);
	ck_assert_int_eq(g->max_client_conn, 100);
	ck_assert_int_eq(g->log_min_duration_statement_us, USEC_NEVER);
	ck_assert_str_eq(shown(conf, "default_pool_size"), "20");
	ck_assert_str_eq(shown(conf, "max_client_conn"), "100");
	conf_unref(conf);
}
END_TEST

/* As in PgBouncer's own sample, with what people set. */
START_TEST(a_pgbouncer_ini)
{
	struct conf *conf = check_conf_good(
		"[databases]\n"
		"foodb =\n"
		"bardb = host=localhost dbname=bazdb\n"
		"forcedb = host=localhost port=300 user=baz password=foo client_encoding=UNICODE "
		"datestyle=ISO connect_query='SELECT 1'\n"
		"nondefaultdb = pool_size=50 reserve_pool=10\n"
		"* = host=testserver\n"
		"[users]\n"
		"user1 = pool_mode=transaction max_user_connections=10\n"
		"[pgbouncer]\n"
		"logfile = /var/log/pgbouncer/pgbouncer.log\n"
		"pidfile = /var/run/pgbouncer/pgbouncer.pid\n"
		"listen_addr = localhost\n"
		"listen_port = 6432\n"
		"unix_socket_dir = /tmp\n"
		"auth_type = md5\n"
		"auth_file = /etc/pgbouncer/userlist.txt\n"
		"admin_users = user2, someadmin, otheradmin\n"
		"pool_mode = transaction\n"
		"server_reset_query = DISCARD ALL\n"
		"server_check_query = select 1\n"
		"ignore_startup_parameters = extra_float_digits, search_path\n"
		"max_client_conn = 2000\n"
		"default_pool_size = 25\n"
		"reserve_pool_size = 5\n"
		"reserve_pool_timeout = 3\n"
		"server_lifetime = 1200\n"
		"server_round_robin = 1\n"
		"dns_max_ttl = 60\n"
		"pkt_buf = 8192\n"
		"max_prepared_statements = 200\n"
		"client_tls_sslmode = prefer\n"
		"client_tls_key_file = /k\n"
		"so_reuseport = 1\n"
		"[peers]\n"
		"1 = host=/tmp/p1\n");
	struct conf_pool pool;
	const struct conf_database *db = conf_find_database(conf, SLICE("forcedb"));

	ck_assert_uint_eq(conf->database_count, 5);
	ck_assert_int_eq(conf->global.pool_size, 25);
	ck_assert_int_eq(conf->global.max_overflow, 5);
	ck_assert(!conf->global.pool_use_lifo);
	ck_assert_uint_eq(conf->global.admin_users.count, 3);
	ck_assert(conf_list_has_nocase(&conf->global.ignore_startup_parameters,
				       SLICE("Extra_Float_Digits")));
	ck_assert_str_eq(db->user, "baz");
	ck_assert_str_eq(db->password, "foo");
	ck_assert_str_eq(db->port, "300");
	ck_assert_ptr_null(param(db, "password"));
	conf_resolve(conf, db, NULL, &pool);
	ck_assert_str_eq(pool.connect_query, "SELECT 1");
	ck_assert_str_eq(pool.client_encoding, "UNICODE");
	ck_assert_str_eq(pool.datestyle, "ISO");
	db = conf_find_database(conf, SLICE("nondefaultdb"));
	conf_resolve(conf, db, conf_find_user(conf, SLICE("user1")), &pool);
	ck_assert_int_eq(pool.pool_size, 50);
	ck_assert_int_eq(pool.max_overflow, 10);
	ck_assert_int_eq(pool.max_user_connections, 10);
	ck_assert_str_eq(conf_find_database(conf, SLICE("foodb"))->dbname, "foodb");
	ck_assert_str_eq(conf_find_database(conf, SLICE("bardb"))->dbname, "bazdb");
	ck_assert_str_eq(conf_find_database(conf, SLICE("other"))->dbname, "");
	ck_assert_str_eq(conf_find_database(conf, SLICE("other"))->host, "testserver");
	/* What has no effect is told: dns_max_ttl, pkt_buf, so_reuseport, the peer. */
	ck_assert_uint_eq(conf->notes.count, 4);
	ck_assert(check_conf_has(&conf->notes, 0, "dns_max_ttl"));
	ck_assert(check_conf_has(&conf->notes, 0, "[peers]"));
	conf_unref(conf);
}
END_TEST

START_TEST(who_has_the_last_word)
{
	struct conf *conf =
		check_conf_good("[databases]\n"
				"a = pool_size=1 pool_timeout=1 pool_mode=session\n"
				"b = query_timeout=3\n"
				"[users]\n"
				"u = pool_size=2 query_timeout=0\n"
				"[pgweir]\nauth_file = f\n"
				"pool_size = 3\nquery_timeout = 9\npool_mode = statement\n");
	const struct conf_database *a = conf_find_database(conf, SLICE("a"));
	const struct conf_database *b = conf_find_database(conf, SLICE("b"));
	const struct conf_user *u = conf_find_user(conf, SLICE("u"));
	struct conf_pool p;

	conf_resolve(conf, NULL, NULL, &p);
	ck_assert_int_eq(p.pool_size, 3);
	ck_assert_int_eq(p.pool_mode, CONF_POOL_MODE_STATEMENT);
	conf_resolve(conf, a, NULL, &p);
	ck_assert_int_eq(p.pool_size, 1);
	ck_assert_int_eq(p.pool_timeout_us, 1000000);
	ck_assert_int_eq(p.query_timeout_us, 9000000);
	ck_assert_int_eq(p.pool_mode, CONF_POOL_MODE_SESSION);
	conf_resolve(conf, a, u, &p);
	ck_assert_int_eq(p.pool_size, 2);
	ck_assert_int_eq(p.query_timeout_us, USEC_NEVER);
	ck_assert_int_eq(p.pool_mode, CONF_POOL_MODE_SESSION);
	conf_resolve(conf, b, NULL, &p);
	ck_assert_int_eq(p.query_timeout_us, 3000000);
	conf_resolve(conf, NULL, u, &p);
	ck_assert_int_eq(p.pool_size, 2);
	ck_assert_ptr_null(conf_find_user(conf, SLICE("U")));
	ck_assert_ptr_null(conf_find_database(conf, SLICE("c")));
	conf_unref(conf);
}
END_TEST

/* Whatever may stand for a database or a user is read there, and wins there. */
START_TEST(every_row_in_its_places)
{
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &setting_table[i];
		if (!s->name || s->pool_at < 0 || s->type != SETTING_INT)
			continue;
		char text[256];
		struct conf_pool p;
		bool in_d = s->scope & SETTING_D, in_u = s->scope & SETTING_U;
		snprintf(
			text, sizeof(text),
			"[databases]\nd = %s%s\n[users]\nu = %s%s\n[pgweir]\nauth_file=f\n%s = 7\n",
			in_d ? s->name : "", in_d ? "=8" : "", in_u ? s->name : "",
			in_u ? "=9" : "", s->name);
		struct conf *conf = check_conf_good(text);
		conf_resolve(conf, NULL, NULL, &p);
		ck_assert_int_eq(*(int *)((char *)&p + s->pool_at), 7);
		conf_resolve(conf, conf_find_database(conf, SLICE("d")), NULL, &p);
		ck_assert_int_eq(*(int *)((char *)&p + s->pool_at), in_d ? 8 : 7);
		conf_resolve(conf, conf_find_database(conf, SLICE("d")),
			     conf_find_user(conf, SLICE("u")), &p);
		ck_assert_int_eq(*(int *)((char *)&p + s->pool_at), in_u ? 9 : in_d ? 8 : 7);
		conf_unref(conf);
	}
}
END_TEST

START_TEST(tls_to_servers)
{
	struct conf *conf = check_conf_good(
		"[databases]\na = host=h\n"
		"b = sslmode=disable sslcert=/own\n"
		"[pgweir]\nauth_file=f\nserver_tls_sslmode = verify-full\n"
		"server_tls_ca_file = /ca\nserver_tls_cert_file = /cert\n"
		"server_tls_crl_file = /crl\nserver_tls_protocols = tlsv1.1:tlsv1.2\n");
	const struct conf_database *a = conf_find_database(conf, SLICE("a"));
	const struct conf_database *b = conf_find_database(conf, SLICE("b"));
	ck_assert_str_eq(param(a, "sslmode"), "verify-full");
	ck_assert_str_eq(param(a, "sslrootcert"), "/ca");
	ck_assert_str_eq(param(a, "sslcert"), "/cert");
	ck_assert_ptr_null(param(a, "sslkey"));
	ck_assert_str_eq(param(a, "sslcrl"), "/crl");
	ck_assert_str_eq(param(a, "ssl_min_protocol_version"), "TLSv1.1");
	ck_assert_str_eq(param(a, "ssl_max_protocol_version"), "TLSv1.2");
	ck_assert_str_eq(param(a, "host"), "h");
	ck_assert_str_eq(param(b, "sslmode"), "disable");
	ck_assert_str_eq(param(b, "sslcert"), "/own");
	ck_assert_str_eq(param(b, "sslrootcert"), "/ca");
	conf_unref(conf);
}
END_TEST

#define HEAD "[databases]\nx =\n[pgweir]\nauth_file = f\n"

START_TEST(faults)
{
	check_conf_bad(HEAD "pool_sise = 3\n", 5, "did you mean \"pool_size\"?");
	check_conf_bad(HEAD "wibble = 3\n", 5, "unknown setting \"wibble\"");
	check_conf_bad(HEAD "listen_port = 70000\n", 5, "listen_port: out of range");
	check_conf_bad(HEAD "pool_mode = sesion\n", 5, "is none of");
	check_conf_bad(HEAD "client_tls_sslmode = often\n", 5, "is none of");
	check_conf_bad(HEAD "client_tls_protocols = sslv3\n", 5, "is neither secure nor all");
	check_conf_bad(HEAD "server_tls_protocols = tlsv1.0,tlsv1.2\n", 5, "leaves a gap");
	check_conf_bad(HEAD "server_tls_ciphers = AES\n", 5, "not supported");
	check_conf_bad(HEAD "listen_addr =\nunix_socket_dir =\n", 0, "nowhere to listen");
	check_conf_bad(HEAD "connect_query = x\n", 5, "cannot be set in [pgweir]");
	check_conf_bad(HEAD "[pgbouncer]\nlisten_port=1\n", 6, "there is [pgweir] already");
	check_conf_bad(HEAD "[datbases]\nx=\n", 6, "unknown section [datbases]");
	check_conf_bad(HEAD "[databases]\nx=\n", 6, "\"x\" is there twice");
	check_conf_bad(HEAD "[users]\nu=\nu=\n", 7, "\"u\" is there twice");
	check_conf_bad(HEAD "[databases]\ny=hots=a\n", 6, "did you mean \"host\"?");
	check_conf_bad(HEAD "[databases]\ny=listen_port=5\n", 6, "cannot be set in [databases]");
	check_conf_bad(HEAD "[databases]\ny=krbsrvname=x\n", 6, "cannot be set in [databases]");
	check_conf_bad(HEAD "[databases]\ny=service=x\n", 6, "cannot be set in [databases]");
	check_conf_bad(HEAD "[databases]\ny=pool_size=-1\n", 6, "pool_size: out of range");
	check_conf_bad(HEAD "[databases]\ny=replication=database\n", 6,
		       "replication cannot be set");
	check_conf_bad(HEAD "[databases]\ny=password='x\n", 6, "y: a quoted value");
	check_conf_bad(HEAD "[databases]\npgweir=\n", 6, "name of the console");
	check_conf_bad(HEAD "[databases]\npgbouncer=\n", 6, "name of the console");
	check_conf_bad(HEAD "[users]\nu=host=a\n", 6, "unknown setting \"host\"");
	check_conf_bad(HEAD "[users]\nu=max_db_connections=1\n", 6, "cannot be set in [users]");
	check_conf_bad(HEAD "junk\n", 5, "not KEY = VALUE");
}
END_TEST

START_TEST(all_faults_at_once)
{
	struct conf_faults found;
	struct conf *conf = conf_parse(SLICE("x = 1\n[databases]\na = hots=b pool_size=x port=1\n"
					     "[pgweir]\nlisten_port = 0\njunk\npool_mode = x\n"),
				       "all.ini", &found);
	ck_assert_ptr_null(conf);
	ck_assert_uint_eq(found.count, 6);
	ck_assert(check_conf_has(&found, 1, "before any section"));
	ck_assert(check_conf_has(&found, 3, "hots"));
	ck_assert(check_conf_has(&found, 3, "pool_size"));
	ck_assert(check_conf_has(&found, 5, "listen_port"));
	ck_assert(check_conf_has(&found, 6, "junk"));
	ck_assert(check_conf_has(&found, 7, "pool_mode"));
	conf_faults_fini(&found);
}
END_TEST

START_TEST(notes)
{
	struct conf *conf = check_conf_good("[pgweir]\npool_size = 3\ndefault_pool_size = 4\n");
	ck_assert_int_eq(conf->global.pool_size, 4);
	ck_assert(check_conf_has(&conf->notes, 3, "was set before, in line 2 of test.ini"));
	ck_assert(check_conf_has(&conf->notes, 0, "nobody can log in"));
	ck_assert(check_conf_has(&conf->notes, 0, "no database"));
	ck_assert_uint_eq(conf->notes.count, 3);
	conf_unref(conf);
}
END_TEST

START_TEST(from_a_file)
{
	char path[] = "/tmp/check_conf.XXXXXX";
	struct conf_faults found;
	static const char text[] = "[databases]\nx = host=h\n[pgweir]\nauth_file = f\n";
	int fd = mkstemp(path);
	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(fd);
	struct conf *conf = conf_load(path, &found);
	ck_assert_ptr_nonnull(conf);
	ck_assert_str_eq(conf->path, path);
	conf_unref(conf);
	conf_faults_fini(&found);
	unlink(path);
	ck_assert_ptr_null(conf_load(path, &found));
	ck_assert_uint_eq(found.count, 1);
	ck_assert(check_conf_has(&found, 0, "No such file"));
	conf_faults_fini(&found);
}
END_TEST

START_TEST(set_on_the_console)
{
	struct err err;
	struct conf *conf = check_conf_good(HEAD "pool_size = 3\n[users]\nu = pool_timeout=1\n");
	struct conf *one = conf_set(conf, SLICE("default_pool_size"), SLICE("7"), &err);
	ck_assert_ptr_nonnull(one);
	ck_assert_int_eq(conf->global.pool_size, 3);
	ck_assert_int_eq(one->global.pool_size, 7);
	ck_assert_uint_eq(one->user_count, 1);
	ck_assert_str_eq(one->path, "test.ini");
	conf_unref(conf);
	/* once more, many times: the old word goes */
	for (int i = 0; i < 50; i++) {
		char text[8];
		snprintf(text, sizeof(text), "%d", i);
		struct conf *next = conf_set(one, SLICE("pool_size"), slice_of(text), &err);
		ck_assert_ptr_nonnull(next);
		ck_assert_int_eq(next->global.pool_size, i);
		conf_unref(one);
		one = next;
	}
	ck_assert_ptr_null(conf_set(one, SLICE("listen_port"), SLICE("1"), &err));
	ck_assert_ptr_nonnull(strstr(err.text, "cannot be changed while running"));
	ck_assert_ptr_null(conf_set(one, SLICE("wibble"), SLICE("1"), &err));
	ck_assert_ptr_nonnull(strstr(err.text, "unknown setting"));
	ck_assert_ptr_null(conf_set(one, SLICE("pool_size"), SLICE("x"), &err));
	ck_assert_ptr_nonnull(strstr(err.text, "not a whole number"));
	ck_assert_ptr_null(conf_set(one, SLICE("server_tls_ciphers"), SLICE("x"), &err));
	conf_unref(one);
}
END_TEST

START_TEST(what_needs_a_restart)
{
	struct buf names = { .data = NULL };
	struct conf *a = check_conf_good(HEAD "listen_port = 1\npool_size = 1\n");
	struct conf *b = check_conf_good(HEAD "listen_port = 2\nworkers = 3\npool_size = 2\n");
	ck_assert_uint_eq(conf_diff_restart(a, a, &names), 0);
	ck_assert_uint_eq(buf_len(&names), 0);
	ck_assert_uint_eq(conf_diff_restart(a, b, &names), 2);
	ck_assert_str_eq(buf_cstr(&names), "listen_port, workers");
	buf_fini(&names);
	conf_unref(a);
	conf_unref(b);
}
END_TEST

START_TEST(show_config)
{
	struct conf *conf = check_conf_good(HEAD "server_round_robin = 1\npkt_buf = 9\n"
						 "pool_timeout = 2min\n");
	struct map seen;
	map_init(&seen);
	for (size_t i = 0; i < conf->show_count; i++) {
		const struct conf_show_row *r = &conf->show[i];
		ck_assert_msg(!map_put(&seen, slice_of(r->key), (void *)r), "%s twice", r->key);
		ck_assert_ptr_nonnull(r->value);
		ck_assert_ptr_nonnull(r->def);
	}
	map_fini(&seen);
	ck_assert_str_eq(shown(conf, "pool_timeout"), "120");
	ck_assert_str_eq(shown(conf, "query_wait_timeout"), "120");
	ck_assert_str_eq(shown(conf, "pool_use_lifo"), "0");
	ck_assert_str_eq(shown(conf, "server_round_robin"), "1");
	ck_assert_str_eq(shown(conf, "pkt_buf"), "9");
	ck_assert_str_eq(shown(conf, "max_client_conn"), "1000");
	ck_assert_ptr_null(shown(conf, "connect_query"));
	conf_unref(conf);
}
END_TEST

static void *hold_and_drop(void *arg)
{
	for (int i = 0; i < 20000; i++)
		conf_unref(conf_ref(arg));
	conf_unref(arg);
	return NULL;
}

START_TEST(references_from_many_threads)
{
	struct conf *conf = check_conf_good(HEAD);
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hold_and_drop, conf_ref(conf)),
				 0);
	conf_unref(conf);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	conf_unref(NULL);
}
END_TEST

/* The sample that is installed, with every setting that it shows as a comment turned on, says what
 * the defaults say. */
START_TEST(the_sample)
{
	const char *top = getenv("TOP_BUILDDIR");
	char command[512], *line = NULL;
	size_t cap = 0, turned_on = 0;
	struct buf text = { .data = NULL };
	snprintf(command, sizeof(command), "%s/src/conf/confgen sample /etc/x /run/x",
		 top ? top : ".");
	FILE *sample = popen(command, "r");
	ck_assert_ptr_nonnull(sample);
	while (getline(&line, &cap, sample) > 0) {
		bool is_setting = line[0] == ';' && line[1] != ' ' && line[1] != '\n';
		buf_add_str(&text, line + is_setting);
		turned_on += is_setting;
	}
	free(line);
	ck_assert_int_eq(pclose(sample), 0);
	ck_assert_uint_gt(turned_on, 50);

	struct conf *conf = check_conf_good(buf_cstr(&text));
	ck_assert_uint_eq(conf->notes.count, 0);
	ck_assert_str_eq(conf->global.auth_file, "/etc/x/userlist.txt");
	ck_assert_str_eq(conf->global.unix_socket_dir, "/run/x");
	for (size_t i = 0; i < conf->show_count; i++) {
		const struct conf_show_row *r = &conf->show[i];
		if (strcmp(r->key, "auth_file") != 0 && strcmp(r->key, "unix_socket_dir") != 0)
			ck_assert_str_eq(r->value, r->def);
	}
	conf_unref(conf);
	buf_fini(&text);
}
END_TEST

Suite *suite_conf(void)
{
	Suite *s = suite_create("conf");
	TCase *tc = tcase_create("conf");
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, pgbouncer_defaults);
	tcase_add_test(tc, a_pgbouncer_ini);
	tcase_add_test(tc, who_has_the_last_word);
	tcase_add_test(tc, every_row_in_its_places);
	tcase_add_test(tc, tls_to_servers);
	tcase_add_test(tc, faults);
	tcase_add_test(tc, all_faults_at_once);
	tcase_add_test(tc, notes);
	tcase_add_test(tc, from_a_file);
	tcase_add_test(tc, set_on_the_console);
	tcase_add_test(tc, what_needs_a_restart);
	tcase_add_test(tc, show_config);
	tcase_add_test(tc, references_from_many_threads);
	tcase_add_test(tc, the_sample);
	suite_add_tcase(s, tc);
	return s;
}
