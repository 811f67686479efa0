/*
 * connector.c - a login from the first option to a link that is idle.
 *
 *	connector_new --> options --> submitted --> for each host and each of its addresses, in a
 * helper:
 *
 *	    libpq polls --startup sent--> proving --> role --> query --> done (connector_attempt.h)
 *
 * Hosts and addresses are gone through here, one at a time, each with its part of the time. Not
 * bounded: a name lookup.
 */
#include "proxy/connector.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "proxy/connector_address.h"
#include "proxy/connector_attempt.h"
#include "proxy/connector_cancel.h"
#include "proxy/connector_fault.h"
#include "proxy/connector_hosts.h"
#include "proxy/helper.h"

struct connector {
	struct helper_job job;
	struct helper_crew *crew; /* not owned */
	connector_fn done;
	void *arg; /* not owned */
	struct connector_attempt attempt;
	bool is_ok, is_taken;
};

/* ---- options ------------------------------------------------------------------------------ */

struct connector *connector_new(void)
{
	struct connector *c = mem_zalloc(sizeof(*c));
	c->attempt.job = &c->job;
	c->attempt.link.fd = -1;
	return c;
}

void connector_set(struct connector *c, const char *keyword, const char *value)
{
	connector_options_set(&c->attempt.options, keyword, value);
}

static const char *connector_get(const struct connector *c, const char *keyword)
{
	return connector_options_get(&c->attempt.options, keyword);
}

void connector_set_keys(struct connector *c, const uint8_t client_key[CONNECTOR_KEY_BYTES],
			const uint8_t server_key[CONNECTOR_KEY_BYTES])
{
	memcpy(c->attempt.proof.keys.client_key, client_key, CONNECTOR_KEY_BYTES);
	memcpy(c->attempt.proof.keys.server_key, server_key, CONNECTOR_KEY_BYTES);
	c->attempt.proof.has_keys = true;
}

void connector_set_md5(struct connector *c, const char hex[CONNECTOR_MD5_BYTES])
{
	memcpy(c->attempt.proof.md5, hex, CONNECTOR_MD5_BYTES);
	c->attempt.proof.has_md5 = true;
}

void connector_set_query(struct connector *c, const char *sql)
{
	free(c->attempt.query);
	c->attempt.query = sql && *sql ? mem_strdup(sql) : NULL;
}

/* ---- several hosts -------------------------------------------------------------------------- */

static int connector_host_count(const struct connector *c)
{
	const char *hosts = connector_get(c, "hostaddr");
	return connector_hosts_count(hosts && *hosts ? hosts : connector_get(c, "host"));
}

/* Of the time that is left for `parts` hosts or addresses the next one's; until when that is. */
static usec_t connector_share(usec_t deadline, int parts)
{
	usec_t now = usec_now();
	return deadline == USEC_NEVER ? USEC_NEVER : usec_after(now, (deadline - now) / parts);
}

/* What one address may take: what libpq's connect_timeout says, but at most its part of all. */
static usec_t connector_address_share(const struct connector *c, usec_t deadline, int addresses)
{
	const char *given = connector_get(c, "connect_timeout");
	usec_t share = connector_share(deadline, addresses);
	if (given && atoi(given) > 0)
		share = usec_min(share, usec_after(usec_now(), atoi(given) * USEC_PER_SEC));
	return share;
}

/* One host, by the job's deadline: address after address, each with its part of the time. */
static bool connector_visit(struct connector *c)
{
	const char *name = connector_get(c, "host"), *given = connector_get(c, "hostaddr");
	struct connector_addresses found = { 0 };
	struct connector_fault *fault = &c->attempt.fault;
	usec_t deadline = c->job.deadline;
	bool is_name = !(given && *given) && connector_address_is_name(name);
	if (is_name && !connector_address_find(name, &found, fault))
		return false;
	int count = is_name ? (int)found.count : 1;
	bool ok = false, go_on = true;
	for (int i = 0; i < count && !ok && go_on; i++) {
		struct connector_fault earlier = *fault;
		c->job.deadline = connector_address_share(c, deadline, count - i);
		if (is_name)
			connector_set(c, "hostaddr", found.texts[i]);
		ok = connector_attempt_run(&c->attempt);
		go_on = !ok && connector_hosts_go_on(fault);
		if (!ok && i > 0)
			connector_fault_after(fault, &earlier);
	}
	connector_address_free(&found);
	return ok;
}

/* The lists that go through the hosts in step. */
static const char *const connector_lists[] = { "host", "hostaddr", "port" };
enum { CONNECTOR_LISTS = COUNT_OF(connector_lists) };

/* Host after host, each with its part of the time; `more` hosts are to come behind these. */
static bool connector_round(struct connector *c, char *lists[CONNECTOR_LISTS], int hosts, int more)
{
	struct connector_fault *fault = &c->attempt.fault;
	usec_t deadline = c->job.deadline;
	bool ok = false, go_on = true;
	for (int i = 0; i < hosts && !ok && go_on; i++) {
		struct connector_fault earlier = *fault;
		c->job.deadline = connector_share(deadline, hosts - i + more);
		for (int list = 0; list < CONNECTOR_LISTS; list++) {
			char *one = connector_hosts_pick(lists[list], i);
			connector_set(c, connector_lists[list], one);
			free(one);
		}
		ok = connector_visit(c);
		go_on = !ok && connector_hosts_go_on(fault);
		if (!ok)
			connector_fault_after(fault, &earlier);
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
	bool is_over = connector_round(c, lists, hosts, more);
	c->attempt.any_role = true;
	if (!is_over && more)
		connector_round(c, lists, hosts, 0);
	return c->attempt.link.fd >= 0;
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
		connector_fault_set(&c->attempt.fault, CONNECTOR_FAULT_OPTIONS, "08001",
				    "there are not as many ports or addresses as hosts");
	for (int list = 0; list < CONNECTOR_LISTS; list++)
		free(lists[list]);
}

/* ---- the requester ------------------------------------------------------------------------- */

static void connector_deliver(struct mail *mail, void *owner, usec_t now)
{
	struct connector *c = CONTAINER_OF(mail, struct connector, job.mail);
	if (c->job.outcome == HELPER_EXPIRED)
		connector_fault_set(&c->attempt.fault, CONNECTOR_FAULT_TIMEOUT, "08006",
				    "no helper was free to log in to the server in time");
	else if (c->job.outcome == HELPER_CANCELLED)
		connector_fault_set(&c->attempt.fault, CONNECTOR_FAULT_CANCELLED, "57014",
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
	c->job.place = connector_options_place(&c->attempt.options);
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
		connector_close(&c->attempt.link, true);
	connector_options_fini(&c->attempt.options);
	free(c->attempt.query);
	mem_wipe(&c->attempt.proof, sizeof(c->attempt.proof));
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
	return &c->attempt.fault;
}

struct connector_link connector_take(struct connector *c)
{
	BUG_ON(!c->is_ok || c->is_taken);
	c->is_taken = true;
	return c->attempt.link;
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
