/*
 * cluster.c - a PostgreSQL in a directory of its own, for as long as the tests run.
 *
 * Users, each asked for what it is named for: scram_user, md5_user, plain_user, tls_user
 * (SCRAM, over TLS only), clear_user (SCRAM, never over TLS), trust_user; and postgres over the
 * Unix socket.
 */
#include "check_proxy.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libpq-fe.h>

static struct {
	char dir[64];
	int port;
	bool runs;
} cluster;

static const char cluster_hba[] = "local all all trust\n"
				  "host all,replication scram_user 127.0.0.1/32 scram-sha-256\n"
				  "host all md5_user 127.0.0.1/32 md5\n"
				  "host all plain_user 127.0.0.1/32 password\n"
				  "hostssl all tls_user 127.0.0.1/32 scram-sha-256\n"
				  "hostnossl all clear_user 127.0.0.1/32 scram-sha-256\n"
				  "host all trust_user 127.0.0.1/32 trust\n";

static const char cluster_conf[] = "listen_addresses = '127.0.0.1'\n"
				   "ssl = on\n"
				   "fsync = off\n"
				   "max_connections = 30\n"
				   "logging_collector = off\n";

/* A shell command as the user that PostgreSQL may run as. */
static bool cluster_run(const char *fmt, ...)
{
	char command[1024], whole[1400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	snprintf(whole, sizeof(whole), "cd / && %s sh -c '%s' >>%s/log 2>&1",
		 geteuid() == 0 ? "runuser -u postgres --" : "", command, cluster.dir);
	return system(whole) == 0;
}

static const char *cluster_bin(void)
{
	static char bin[128];
	for (int version = 18; version >= 12; version--) {
		snprintf(bin, sizeof(bin), "/usr/lib/postgresql/%d/bin", version);
		if (access(bin, X_OK) == 0)
			return bin;
	}
	return NULL;
}

static int cluster_free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&in, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) != 0)
		abort();
	close(fd);
	return ntohs(in.sin_port);
}

static void cluster_write(const char *name, const char *mode, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/data/%s", cluster.dir, name);
	FILE *f = fopen(path, mode);
	if (!f || fputs(text, f) == EOF || fclose(f) != 0)
		abort();
}

static bool cluster_make(const char *bin)
{
	if (!cluster_run("%s/initdb -D %s/data -U postgres -A trust -E UTF8 --locale C --no-sync",
			 bin, cluster.dir))
		return false;
	cluster_write("pg_hba.conf", "w", cluster_hba);
	cluster_write("postgresql.conf", "a", cluster_conf);
	return cluster_run("openssl req -new -x509 -nodes -days 2 -subj /CN=localhost "
			   "-keyout %s/data/server.key -out %s/data/server.crt "
			   "&& chmod 600 %s/data/server.key",
			   cluster.dir, cluster.dir, cluster.dir) &&
	       cluster_run("%s/pg_ctl -w -D %s/data -l %s/server.log -o \"-p %d -k %s\" start", bin,
			   cluster.dir, cluster.dir, cluster.port, cluster.dir);
}

static void cluster_make_users(void)
{
	static const char *const names[] = { "scram_user", "plain_user", "tls_user", "clear_user",
					     "trust_user" };
	char sql[256];
	cluster_sql("SET password_encryption = 'md5'; CREATE ROLE md5_user LOGIN PASSWORD 'sesame'",
		    NULL, 0);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(sql, sizeof(sql),
			 "SET password_encryption = 'scram-sha-256'; "
			 "CREATE ROLE %s LOGIN REPLICATION PASSWORD '%s'",
			 names[i], cluster_password());
		cluster_sql(sql, NULL, 0);
	}
}

bool cluster_start(void)
{
	const char *bin = cluster_bin();
	if (!bin) {
		printf("PostgreSQL is not installed: logins to a server are not tested\n");
		return false;
	}
	snprintf(cluster.dir, sizeof(cluster.dir), "/tmp/check_proxy.XXXXXX");
	if (!mkdtemp(cluster.dir))
		abort();
	char command[256];
	snprintf(command, sizeof(command), "chmod 755 %s && %s chown postgres %s", cluster.dir,
		 geteuid() == 0 ? "" : "true", cluster.dir);
	cluster.port = cluster_free_port();
	if (system(command) != 0 || !cluster_make(bin)) {
		fprintf(stderr, "PostgreSQL did not start: see %s\n", cluster.dir);
		exit(EXIT_FAILURE);
	}
	cluster.runs = true;
	cluster_make_users();
	return true;
}

void cluster_stop(void)
{
	char command[128];
	if (!cluster.runs)
		return;
	cluster_run("%s/pg_ctl -w -m immediate -D %s/data stop", cluster_bin(), cluster.dir);
	snprintf(command, sizeof(command), "rm -rf %s", cluster.dir);
	if (system(command) != 0)
		fprintf(stderr, "%s is left behind\n", cluster.dir);
}

int cluster_port(void)
{
	return cluster.port;
}

const char *cluster_dir(void)
{
	return cluster.dir;
}

const char *cluster_password(void)
{
	return "sesame";
}

void cluster_sql(const char *sql, char *out, size_t n)
{
	char conninfo[256];
	snprintf(conninfo, sizeof(conninfo), "host=%s port=%d user=postgres dbname=postgres",
		 cluster.dir, cluster.port);
	PGconn *pg = PQconnectdb(conninfo);
	PGresult *res = PQexec(pg, sql);
	ExecStatusType status = PQresultStatus(res);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		fprintf(stderr, "%s: %s", sql, PQerrorMessage(pg));
		abort();
	}
	if (out)
		snprintf(out, n, "%s", PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "");
	PQclear(res);
	PQfinish(pg);
}
