/*
 * connector_attempt.c - one address asked for a session.
 */
#include "proxy/connector_attempt.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/mem.h"
#include "net/addr.h"
#include "net/tls.h"
#include "proxy/connector_fault.h"
#include "proxy/connector_hosts.h"
#include "proxy/connector_steps.h"
#include "proxy/connector_tls.h"

static bool connector_attempt_fail_libpq(struct connector_attempt *a)
{
	connector_fault_from_libpq(&a->fault,
				   a->link.pg ? PQerrorMessage(a->link.pg) : "out of memory");
	return false;
}

static bool connector_attempt_begin(struct connector_attempt *a)
{
	const char *crl_dir = connector_options_get(&a->options, "sslcrldir");
	if (!connector_tls_check_crl(connector_options_get(&a->options, "sslcrl"), crl_dir,
				     &a->fault))
		return false;
	connector_options_set(&a->options, "gssencmode", "disable");
	for (size_t i = 0; i < CONNECTOR_TLS_FILES; i++) {
		const char *file = connector_tls_file(i);
		if (!crl_dir || strcmp(file, "sslcrl") != 0)
			connector_options_set_default(&a->options, file, CONNECTOR_TLS_NO_FILE);
	}
	connector_options_set_default(&a->options, "fallback_application_name", "pgweir");
	a->link.pg = PQconnectStartParams((const char *const *)a->options.keywords,
					  (const char *const *)a->options.values, 0);
	if (!a->link.pg || PQstatus(a->link.pg) == CONNECTION_BAD)
		return connector_attempt_fail_libpq(a);
	if (connector_terms_read(&a->terms, a->link.pg))
		return true;
	connector_fault_set(&a->fault, CONNECTOR_FAULT_UNREACHABLE, "53200", "out of memory");
	return false;
}

static bool connector_attempt_wait(struct connector_attempt *a, short events)
{
	switch (helper_poll(a->job, PQsocket(a->link.pg), events, USEC_NEVER)) {
	case HELPER_READY:
		return true;
	case HELPER_TIMEOUT:
		connector_fault_set(&a->fault, CONNECTOR_FAULT_TIMEOUT, "08006",
				    "the server did not answer in time");
		return false;
	case HELPER_INTERRUPTED:
		break;
	}
	connector_fault_set(&a->fault, CONNECTOR_FAULT_CANCELLED, "57014",
			    "the login was given up");
	return false;
}

/* Until libpq has sent the startup packet. */
static bool connector_attempt_poll(struct connector_attempt *a)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;
	while (PQstatus(a->link.pg) != CONNECTION_AWAITING_RESPONSE) {
		if (!connector_attempt_wait(a, next == PGRES_POLLING_READING ? POLLIN : POLLOUT))
			return false;
		next = PQconnectPoll(a->link.pg);
		if (next == PGRES_POLLING_FAILED)
			return connector_attempt_fail_libpq(a);
	}
	return true;
}

static void connector_attempt_take_over(struct connector_attempt *a)
{
	PGconn *pg = a->link.pg;
	a->link.fd = PQsocket(pg);
	a->link.ssl = PQsslInUse(pg) ? PQsslStruct(pg, "OpenSSL") : NULL;
	a->link.is_unix = addr_peer(a->link.fd).kind == ADDR_UNIX;
	a->proof.user = PQuser(pg);
	a->proof.password = PQpass(pg);
}

/* A session that is not what the connection string asks for, be it ever so well. */
static bool connector_attempt_suits(struct connector_attempt *a, struct connector_talk *talk,
				    const char *attrs)
{
	struct connector_role role;
	if (a->terms.demands_cert && !tls_has_signed(a->link.ssl)) {
		connector_fault_set(&a->fault, CONNECTOR_FAULT_UNREACHABLE, "08006",
				    "sslcertmode demands that the server asks for a certificate");
		return false;
	}
	if (!connector_hosts_choosy(attrs))
		return true;
	if (!connector_steps_role(&a->link, talk, &role, &a->fault)) {
		a->fault.is_of_role = true;
		return false;
	}
	if (connector_hosts_fits(&role, attrs))
		return true;
	connector_fault_set(&a->fault, CONNECTOR_FAULT_UNREACHABLE, "08006",
			    "the session is not what target_session_attrs asks for");
	return false;
}

/* One attempt. */
static bool connector_attempt_try(struct connector_attempt *a)
{
	struct connector_talk talk;
	if (!connector_attempt_begin(a) || !connector_attempt_poll(a))
		return false;
	connector_attempt_take_over(a);
	connector_talk_init(&talk, a->job, a->link.fd, a->link.ssl);
	bool ok = connector_steps_login(&a->link, &talk, &a->proof, &a->terms, &a->fault) &&
		  connector_attempt_suits(a, &talk, a->any_role ? NULL : a->terms.attrs);
	if (ok && a->link.ssl)
		connector_tls_secure_cancels(&a->link, a->terms.sslmode);
	if (ok && a->query)
		ok = connector_steps_query(&a->link, &talk, a->query, &a->fault);
	connector_talk_fini(&talk);
	return ok;
}

/* And its end: nothing is left of one that failed but the fault. `other` gets an sslmode to try in
 * its place, or NULL. */
static bool connector_attempt_once(struct connector_attempt *a, const char **other)
{
	char whom[256];
	bool ok = connector_attempt_try(a);
	*other = NULL;
	if (!ok) {
		*other = connector_terms_other_sslmode(&a->terms, a->link.ssl != NULL,
						       a->link.is_unix, &a->fault);
		connector_options_whom(&a->options, whom, sizeof(whom));
		connector_fault_about(&a->fault, whom, connector_options_get(&a->options, "host"));
		connector_close(&a->link, false);
	}
	connector_terms_fini(&a->terms);
	a->proof.user = a->proof.password = NULL; /* were libpq's */
	return ok;
}

/* The other way that sslmode has. What the server said to the first counts, if it only says to the
 * second that it does not take that either. */
static bool connector_attempt_try_other(struct connector_attempt *a, const char *other)
{
	const char *none;
	struct connector_fault first = a->fault;
	char *sslmode = mem_strdup(connector_options_get(&a->options, "sslmode"));
	connector_options_set(&a->options, "sslmode", other);
	bool ok = connector_attempt_once(a, &none);
	connector_options_set(&a->options, "sslmode", sslmode);
	free(sslmode);
	if (ok)
		return true;
	struct connector_fault second = a->fault;
	if (second.is_refusal && strcmp(second.sqlstate, "28000") == 0) {
		a->fault = first;
		snprintf(a->fault.log, sizeof(a->fault.log), "%s", second.log);
	}
	connector_fault_after(&a->fault, &first);
	return false;
}

bool connector_attempt_run(struct connector_attempt *a)
{
	const char *other;
	if (connector_attempt_once(a, &other))
		return true;
	return other && connector_attempt_try_other(a, other);
}
