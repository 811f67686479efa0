/*
 * connector.c - a login from the first option to a link that is idle.
 *
 *	connector_new --> options --> submitted --> for each host, in a helper:
 *
 *	    libpq polls --startup sent--> proving --> role --> query --> done
 *
 * The hosts are gone through here, one at a time, each with its part of the time, and so are the
 *two ways of sslmode `allow` and `prefer`. Not bounded: a name lookup.
 */
#include "proxy/connector.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/map.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/tls.h"
#include "proxy/connector_cancel.h"
#include "proxy/connector_fault.h"
#include "proxy/connector_hosts.h"
#include "proxy/connector_steps.h"
#include "proxy/connector_terms.h"
#include "proxy/connector_tls.h"
#include "proxy/helper.h"
#include "wire/build.h"

#define CONNECTOR_MAX_OPTIONS 64

struct connector {
	struct helper_job job;
	struct helper_crew *crew; /* not owned */
	connector_fn done;
	void *arg;                                 /* not owned */
	char *keywords[CONNECTOR_MAX_OPTIONS + 1]; /* owned, as are the values */
	char *values[CONNECTOR_MAX_OPTIONS + 1];
	size_t count;
	struct connector_proof proof;
	struct connector_terms terms; /* of the attempt under way */
	char *query;                  /* owned; NULL: none */
	bool is_ok, is_taken;
	struct connector_link link;
	struct connector_fault fault;
};

/* ---- options ------------------------------------------------------------------------------ */

struct connector *connector_new(void)
{
	struct connector *c = mem_zalloc(sizeof(*c));
	c->link.fd = -1;
	return c;
}

static void connector_forget(char *text)
{
	if (text)
		mem_wipe(text, strlen(text));
	free(text);
}

static size_t connector_find(const struct connector *c, const char *keyword)
{
	size_t i = 0;
	while (i < c->count && strcmp(c->keywords[i], keyword) != 0)
		i++;
	return i;
}

static const char *connector_get(const struct connector *c, const char *keyword)
{
	size_t i = connector_find(c, keyword);
	return i < c->count ? c->values[i] : NULL;
}

void connector_set(struct connector *c, const char *keyword, const char *value)
{
	size_t i = connector_find(c, keyword);
	if (i == c->count) {
		if (!value)
			return;
		BUG_ON(c->count == CONNECTOR_MAX_OPTIONS);
		c->keywords[c->count++] = mem_strdup(keyword);
		c->values[i] = mem_strdup(value);
		return;
	}
	connector_forget(c->values[i]);
	c->values[i] = mem_strdup(value);
	if (value)
		return;
	free(c->keywords[i]);
	c->count--;
	c->keywords[i] = c->keywords[c->count];
	c->values[i] = c->values[c->count];
	c->keywords[c->count] = c->values[c->count] = NULL;
}

static void connector_set_default(struct connector *c, const char *keyword, const char *value)
{
	if (!connector_get(c, keyword))
		connector_set(c, keyword, value);
}

void connector_set_keys(struct connector *c, const uint8_t client_key[CONNECTOR_KEY_BYTES],
			const uint8_t server_key[CONNECTOR_KEY_BYTES])
{
	memcpy(c->proof.keys.client_key, client_key, CONNECTOR_KEY_BYTES);
	memcpy(c->proof.keys.server_key, server_key, CONNECTOR_KEY_BYTES);
	c->proof.has_keys = true;
}

void connector_set_md5(struct connector *c, const char hex[CONNECTOR_MD5_BYTES])
{
	memcpy(c->proof.md5, hex, CONNECTOR_MD5_BYTES);
	c->proof.has_md5 = true;
}

void connector_set_query(struct connector *c, const char *sql)
{
	free(c->query);
	c->query = sql && *sql ? mem_strdup(sql) : NULL;
}

/* Where it goes, for helpers to tell such jobs apart: its hosts and ports as they were written. */
static uint64_t connector_place(const struct connector *c)
{
	static const char *const words[] = { "host", "hostaddr", "port" };
	struct buf place = { 0 };
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		const char *value = connector_get(c, words[i]);
		buf_add_cstr(&place, value ? value : "");
	}
	uint64_t hash = map_hash(buf_slice(&place));
	buf_fini(&place);
	return hash ? hash : 1;
}

/* "host H port P", as far as it was said. */
static void connector_whom(const struct connector *c, char *out, size_t n)
{
	const char *host = connector_get(c, "hostaddr"), *port = connector_get(c, "port");
	if (!host)
		host = connector_get(c, "host");
	snprintf(out, n, "host %s port %s", host && *host ? host : "(local)",
		 port && *port ? port : "5432");
}

/* ---- several hosts -------------------------------------------------------------------------- */

static int connector_host_count(const struct connector *c)
{
	const char *hosts = connector_get(c, "hostaddr");
	return connector_hosts_count(hosts && *hosts ? hosts : connector_get(c, "host"));
}

/* What one host may take: what libpq's connect_timeout says, but at most its part of all. */
static usec_t connector_host_share(const struct connector *c, int hosts)
{
	const char *given = connector_get(c, "connect_timeout");
	usec_t each = USEC_NEVER;
	if (c->job.deadline != USEC_NEVER)
		each = (c->job.deadline - usec_now()) / hosts;
	if (given && atoi(given) > 0)
		each = usec_min(each, atoi(given) * USEC_PER_SEC);
	return each;
}

/* ---- in a helper ---------------------------------------------------------------------------- */

static bool connector_fail_libpq(struct connector *c)
{
	connector_fault_from_libpq(&c->fault,
				   c->link.pg ? PQerrorMessage(c->link.pg) : "out of memory");
	return false;
}

static bool connector_begin(struct connector *c)
{
	const char *crl_dir = connector_get(c, "sslcrldir");
	if (!connector_tls_check_crl(connector_get(c, "sslcrl"), crl_dir, &c->fault))
		return false;
	connector_set(c, "gssencmode", "disable");
	for (size_t i = 0; i < CONNECTOR_TLS_FILES; i++) {
		const char *file = connector_tls_file(i);
		if (!crl_dir || strcmp(file, "sslcrl") != 0)
			connector_set_default(c, file, CONNECTOR_TLS_NO_FILE);
	}
	connector_set_default(c, "fallback_application_name", "pgweir");
	c->link.pg = PQconnectStartParams((const char *const *)c->keywords,
					  (const char *const *)c->values, 0);
	if (!c->link.pg || PQstatus(c->link.pg) == CONNECTION_BAD)
		return connector_fail_libpq(c);
	if (connector_terms_read(&c->terms, c->link.pg))
		return true;
	connector_fault_set(&c->fault, CONNECTOR_FAULT_UNREACHABLE, "53200", "out of memory");
	return false;
}

static bool connector_wait(struct connector *c, short events)
{
	switch (helper_poll(&c->job, PQsocket(c->link.pg), events, USEC_NEVER)) {
	case HELPER_READY:
		return true;
	case HELPER_TIMEOUT:
		connector_fault_set(&c->fault, CONNECTOR_FAULT_TIMEOUT, "08006",
				    "the server did not answer in time");
		return false;
	case HELPER_INTERRUPTED:
		break;
	}
	connector_fault_set(&c->fault, CONNECTOR_FAULT_CANCELLED, "57014",
			    "the login was given up");
	return false;
}

/* Until libpq has sent the startup packet. */
static bool connector_poll(struct connector *c)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;
	while (PQstatus(c->link.pg) != CONNECTION_AWAITING_RESPONSE) {
		if (!connector_wait(c, next == PGRES_POLLING_READING ? POLLIN : POLLOUT))
			return false;
		next = PQconnectPoll(c->link.pg);
		if (next == PGRES_POLLING_FAILED)
			return connector_fail_libpq(c);
	}
	return true;
}

static void connector_take_over(struct connector *c)
{
	PGconn *pg = c->link.pg;
	c->link.fd = PQsocket(pg);
	c->link.ssl = PQsslInUse(pg) ? PQsslStruct(pg, "OpenSSL") : NULL;
	c->link.is_unix = addr_peer(c->link.fd).kind == ADDR_UNIX;
	c->proof.user = PQuser(pg);
	c->proof.password = PQpass(pg);
}

/* A session that is not what the connection string asks for, be it ever so well. */
static bool connector_suits(struct connector *c, struct connector_talk *talk, const char *attrs)
{
	struct connector_role role;
	if (c->terms.demands_cert && !tls_has_signed(c->link.ssl)) {
		connector_fault_set(&c->fault, CONNECTOR_FAULT_UNREACHABLE, "08006",
				    "sslcertmode demands that the server asks for a certificate");
		return false;
	}
	if (!connector_hosts_choosy(attrs))
		return true;
	if (!connector_steps_role(&c->link, talk, &role, &c->fault))
		return false;
	if (connector_hosts_fits(&role, attrs))
		return true;
	connector_fault_set(&c->fault, CONNECTOR_FAULT_UNREACHABLE, "08006",
			    "the session is not what target_session_attrs asks for");
	return false;
}

/* One attempt. */
static bool connector_try(struct connector *c, bool any_role)
{
	struct connector_talk talk;
	if (!connector_begin(c) || !connector_poll(c))
		return false;
	connector_take_over(c);
	connector_talk_init(&talk, &c->job, c->link.fd, c->link.ssl);
	bool ok = connector_steps_login(&c->link, &talk, &c->proof, &c->terms, &c->fault) &&
		  connector_suits(c, &talk, any_role ? NULL : c->terms.attrs);
	if (ok && c->link.ssl)
		connector_tls_secure_cancels(&c->link, c->terms.sslmode);
	if (ok && c->query)
		ok = connector_steps_query(&c->link, &talk, c->query, &c->fault);
	connector_talk_fini(&talk);
	return ok;
}

/* And its end: nothing is left of one that failed but the fault. `other` gets an sslmode to try in
 * its place, or NULL. */
static bool connector_attempt(struct connector *c, bool any_role, const char **other)
{
	char whom[256];
	bool ok = connector_try(c, any_role);
	*other = NULL;
	if (!ok) {
		*other = connector_terms_other_sslmode(&c->terms, c->link.ssl != NULL,
						       c->link.is_unix, &c->fault);
		connector_whom(c, whom, sizeof(whom));
		connector_fault_about(&c->fault, whom);
		connector_close(&c->link, false);
	}
	connector_terms_fini(&c->terms);
	c->proof.user = c->proof.password = NULL; /* were libpq's */
	return ok;
}

/* The other way that sslmode has. What the server said to the first counts, if it only says to the
 * second that it does not take that either. */
static bool connector_try_other(struct connector *c, bool any_role, const char *other)
{
	const char *none;
	struct connector_fault first = c->fault;
	char *sslmode = mem_strdup(connector_get(c, "sslmode"));
	connector_set(c, "sslmode", other);
	bool ok = connector_attempt(c, any_role, &none);
	connector_set(c, "sslmode", sslmode);
	free(sslmode);
	if (ok)
		return true;
	struct connector_fault second = c->fault;
	if (second.is_refusal && strcmp(second.sqlstate, "28000") == 0) {
		c->fault = first;
		snprintf(c->fault.log, sizeof(c->fault.log), "%s", second.log);
	}
	connector_fault_after(&c->fault, &first);
	return false;
}

/* One host. */
static bool connector_visit(struct connector *c, bool any_role)
{
	const char *other;
	if (connector_attempt(c, any_role, &other))
		return true;
	return other && connector_try_other(c, any_role, other);
}

/* The lists that go through the hosts in step. */
static const char *const connector_lists[] = { "host", "hostaddr", "port" };
enum { CONNECTOR_LISTS = COUNT_OF(connector_lists) };

/* Host after host, each with its part of the time; `more` hosts are to come behind these. */
static bool connector_round(struct connector *c, char *lists[CONNECTOR_LISTS], int hosts, int more,
			    bool any_role)
{
	usec_t deadline = c->job.deadline;
	bool ok = false, go_on = true;
	for (int i = 0; i < hosts && !ok && go_on; i++) {
		struct connector_fault earlier = c->fault;
		c->job.deadline = deadline;
		usec_t each = connector_host_share(c, hosts - i + more);
		c->job.deadline = usec_min(deadline, usec_after(usec_now(), each));
		for (int list = 0; list < CONNECTOR_LISTS; list++) {
			char *one = connector_hosts_pick(lists[list], i);
			connector_set(c, connector_lists[list], one);
			free(one);
		}
		ok = connector_visit(c, any_role);
		go_on = connector_hosts_go_on(&c->fault);
		if (!ok)
			connector_fault_after(&c->fault, &earlier);
	}
	c->job.deadline = deadline;
	return ok || !go_on;
}

/* All hosts, and once more where a standby is preferred and there is none. */
static bool connector_rounds(struct connector *c, char *lists[CONNECTOR_LISTS])
{
	const char *attrs = connector_get(c, "target_session_attrs");
	int hosts = connector_host_count(c);
	int more = attrs && strcmp(attrs, "prefer-standby") == 0 ? hosts : 0;
	bool is_over = connector_round(c, lists, hosts, more, false);
	if (!is_over && more)
		connector_round(c, lists, hosts, 0, true);
	return c->link.fd >= 0;
}

static void connector_run(struct helper_job *job)
{
	struct connector *c = CONTAINER_OF(job, struct connector, job);
	char *lists[CONNECTOR_LISTS];
	for (int list = 0; list < CONNECTOR_LISTS; list++)
		lists[list] = mem_strdup(connector_get(c, connector_lists[list]));
	if (connector_hosts_match(lists[0], lists[1], lists[2]))
		c->is_ok = connector_rounds(c, lists);
	else
		connector_fault_set(&c->fault, CONNECTOR_FAULT_OPTIONS, "08001",
				    "there are not as many ports or addresses as hosts");
	for (int list = 0; list < CONNECTOR_LISTS; list++)
		free(lists[list]);
}

/* ---- the requester ------------------------------------------------------------------------- */

static void connector_deliver(struct mail *mail, void *owner, usec_t now)
{
	struct connector *c = CONTAINER_OF(mail, struct connector, job.mail);
	if (c->job.outcome == HELPER_EXPIRED)
		connector_fault_set(&c->fault, CONNECTOR_FAULT_TIMEOUT, "08006",
				    "no helper was free to log in to the server in time");
	else if (c->job.outcome == HELPER_CANCELLED)
		connector_fault_set(&c->fault, CONNECTOR_FAULT_CANCELLED, "57014",
				    "the login was given up");
	c->done(c, owner, now);
}

bool connector_start(struct connector *c, struct helper_crew *crew, struct mailbox *reply,
		     usec_t deadline, connector_fn done, void *arg)
{
	c->crew = crew;
	c->done = done;
	c->arg = arg;
	c->job.run = connector_run;
	c->job.deadline = deadline;
	c->job.place = connector_place(c);
	c->job.mail.deliver = connector_deliver;
	return helper_submit(crew, &c->job, reply);
}

bool connector_stop(struct connector *c)
{
	return helper_cancel(c->crew, &c->job);
}

void connector_free(struct connector *c)
{
	if (!c)
		return;
	if (c->is_ok && !c->is_taken)
		connector_close(&c->link, true);
	for (size_t i = 0; i < c->count; i++) {
		free(c->keywords[i]);
		connector_forget(c->values[i]);
	}
	free(c->query);
	mem_wipe(&c->proof, sizeof(c->proof));
	free(c);
}

void *connector_arg(const struct connector *c)
{
	return c->arg;
}

bool connector_is_ok(const struct connector *c)
{
	return c->is_ok;
}

const struct connector_fault *connector_fault(const struct connector *c)
{
	return &c->fault;
}

struct connector_link connector_take(struct connector *c)
{
	BUG_ON(!c->is_ok || c->is_taken);
	c->is_taken = true;
	return c->link;
}

/* ---- the link -----------------------------------------------------------------------------------
 */

const char *connector_param(const struct connector_link *link, const char *name)
{
	for (size_t i = 0; i < link->param_count; i++) {
		if (strcmp(link->params[i].name, name) == 0)
			return link->params[i].value;
	}
	return NULL;
}

void connector_drop_params(struct connector_link *link)
{
	for (size_t i = 0; i < link->param_count; i++) {
		free(link->params[i].name);
		free(link->params[i].value);
	}
	free(link->params);
	link->params = NULL;
	link->param_count = 0;
}

/* As much of Terminate as goes out at once: all of it, or the peer is stuck and will see the end.
 */
static void connector_say_goodbye(const struct connector_link *link)
{
	static const char terminate[5] = { 'X', 0, 0, 0, 4 };
	ssize_t n UNUSED;
	if (link->ssl)
		n = SSL_write(link->ssl, terminate, sizeof(terminate));
	else
		n = send(link->fd, terminate, sizeof(terminate), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* PQfinish would say Terminate as well, and wait until it is gone; on a socket that is shut down
 * it finds at once that it cannot. */
void connector_close(struct connector_link *link, bool politely)
{
	if (politely && link->fd >= 0)
		connector_say_goodbye(link);
	if (link->fd >= 0)
		shutdown(link->fd, SHUT_RDWR);
	PQfinish(link->pg);
	connector_cancel_unref(link->cancel);
	connector_drop_params(link);
	*link = (struct connector_link){ .fd = -1 };
}

/* ---- the process --------------------------------------------------------------------------------
 */

void connector_clear_environment(void)
{
	char name[64];
	for (char **at = environ; *at;) {
		size_t n = strcspn(*at, "=");
		if (strncmp(*at, "PG", 2) != 0 || n >= sizeof(name)) {
			at++;
			continue;
		}
		memcpy(name, *at, n);
		name[n] = '\0';
		unsetenv(name); /* what follows moves up to here */
	}
}
