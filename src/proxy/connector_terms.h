/*
 * connector_terms.h - what a connection string demands of a login that libpq does not see to,
 * because it stops after the startup packet: read from libpq's own idea of the options, so that its
 * defaults and services count.
 *
 * Owned by whoever logs in; connector_terms_fini frees. Thread: a helper.
 */
#ifndef PROXY_CONNECTOR_TERMS_H
#define PROXY_CONNECTOR_TERMS_H

#include <stdbool.h>

#include "base/bug.h"
#include "proxy/connector.h"

/* How somebody can be asked who he is, and libpq's word for it in `require_auth`. */
#define CONNECTOR_METHODS(X)                                                                       \
	X(NONE, "none")                                                                            \
	X(PASSWORD, "password") /* in the clear */                                                 \
	X(MD5, "md5")                                                                              \
	X(SCRAM, "scram-sha-256")

#define CONNECTOR_METHOD_ENUM_(kind, word) CONNECTOR_METHOD_##kind,
enum connector_method { CONNECTOR_METHODS(CONNECTOR_METHOD_ENUM_) CONNECTOR_METHOD_COUNT };
#undef CONNECTOR_METHOD_ENUM_

struct connector_terms {
	bool binds, demands_binding; /* channel_binding: not disable; require */
	bool demands_cert;           /* sslcertmode: require */
	char *sslmode, *attrs;       /* owned; target_session_attrs */
	char *methods;               /* owned; require_auth; NULL or "": any */
};

bool connector_terms_read(struct connector_terms *t,
			  struct pg_conn *pg) MUST_CHECK; /* false: no memory */
void connector_terms_fini(struct connector_terms *t);

bool connector_terms_allow(const struct connector_terms *t, enum connector_method method);

/* Another sslmode to try after this, for `allow` and `prefer`: where the server refuses who comes
 * in the clear, or who does not. Not where it is a wrong password, which would be said once more
 * and in the clear, nor where the server takes nobody just now. NULL: none. */
const char *connector_terms_other_sslmode(const struct connector_terms *t, bool had_tls,
					  bool is_unix, const struct connector_fault *fault);

#endif
