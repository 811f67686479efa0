/*
 * connector_exchange.c - one exchange, from the first 'R' to AuthenticationOk.
 *
 *	(begin) --Ok--------------------------------> known
 *	   |-- cleartext or md5, answered --Ok------> known
 *	   `-- SASL, answered --R...--Ok------------> known
 *
 * Anything else that comes ends it.
 */
#include "proxy/connector_exchange.h"

#include <stdio.h>
#include <string.h>

#include "auth/md5.h"
#include "auth/scram_client.h"
#include "base/mem.h"
#include "net/tls.h"
#include "proxy/connector_fault.h"
#include "wire/build.h"
#include "wire/reader.h"

enum {
	CONNECTOR_ASKS_OK = 0,
	CONNECTOR_ASKS_PASSWORD = 3,
	CONNECTOR_ASKS_MD5 = 5,
	CONNECTOR_ASKS_GSS = 7,
	CONNECTOR_ASKS_SSPI = 9,
	CONNECTOR_ASKS_SASL = 10,
};

static bool connector_exchange_refuse(struct connector_fault *fault, const char *why)
{
	connector_fault_set(fault, CONNECTOR_FAULT_SERVER, "28000", why);
	return false;
}

static bool connector_exchange_broken(struct connector_fault *fault)
{
	connector_fault_from_talk(fault, CONNECTOR_TALK_MALFORMED);
	return false;
}

static bool connector_exchange_has_password(const struct connector_exchange *x)
{
	return x->proof->password && *x->proof->password;
}

/* ---- may it ask for that? ------------------------------------------------------------------- */

static bool connector_exchange_method(uint32_t code, enum connector_method *method)
{
	static const struct {
		uint32_t code;
		enum connector_method method;
	} methods[] = {
		{ CONNECTOR_ASKS_OK, CONNECTOR_METHOD_NONE },
		{ CONNECTOR_ASKS_PASSWORD, CONNECTOR_METHOD_PASSWORD },
		{ CONNECTOR_ASKS_MD5, CONNECTOR_METHOD_MD5 },
		{ CONNECTOR_ASKS_SASL, CONNECTOR_METHOD_SCRAM },
	};
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		*method = methods[i].method;
		if (methods[i].code == code)
			return true;
	}
	return false;
}

/* A server that asks for what nothing known proves says so with its first 'R'. NULL: nothing is
 * lacking. */
static const char *connector_exchange_lack(const struct connector_exchange *x,
					   enum connector_method method)
{
	const struct connector_proof *proof = x->proof;
	if (method == CONNECTOR_METHOD_NONE || connector_exchange_has_password(x) ||
	    (method == CONNECTOR_METHOD_SCRAM && proof->has_keys) ||
	    (method == CONNECTOR_METHOD_MD5 && proof->has_md5))
		return NULL;
	if (method == CONNECTOR_METHOD_SCRAM && proof->has_md5)
		return "the server asks for SCRAM, and an md5 secret cannot be used for that";
	if (proof->has_keys)
		return "the server asks for a password, and only SCRAM keys are known";
	if (proof->has_md5)
		return "the server asks for a password, and only an md5 secret is known";
	return "the server asks for a password, and none is known";
}

static bool connector_exchange_may_ask(const struct connector_exchange *x, uint32_t code,
				       enum connector_method *method, struct connector_fault *fault)
{
	char text[CONNECTOR_TEXT_BYTES];
	if (code == CONNECTOR_ASKS_GSS || code == CONNECTOR_ASKS_SSPI)
		return connector_exchange_refuse(
			fault, "the server asks for GSSAPI or SSPI, which is not spoken here");
	if (!connector_exchange_method(code, method)) {
		snprintf(text, sizeof(text),
			 "the server asks for a login of kind %u, which is not known here", code);
		return connector_exchange_refuse(fault, text);
	}
	if (x->terms->demands_binding && *method != CONNECTOR_METHOD_SCRAM)
		return connector_exchange_refuse(
			fault,
			"channel binding is demanded, and the server does not ask for SCRAM");
	if (!connector_terms_allow(x->terms, *method))
		return connector_exchange_refuse(
			fault, "the server asks for what require_auth does not allow");
	const char *lack = connector_exchange_lack(x, *method);
	return !lack || connector_exchange_refuse(fault, lack);
}

/* ---- answers ----------------------------------------------------------------------------------
 */

/* Under TLS the proof is bound to the server's certificate, where that is possible. */
static void connector_exchange_bind(const struct connector_exchange *x)
{
	uint8_t end_point[TLS_END_POINT_BYTES];
	size_t n = 0;
	_Static_assert(TLS_END_POINT_BYTES <= SCRAM_MAX_BINDING_BYTES, "a hash does not fit");
	if (x->ssl && x->terms->binds)
		n = tls_server_end_point(x->ssl, end_point);
	scram_client_bind(x->scram, slice_make(end_point, n), x->terms->demands_binding);
}

static bool connector_exchange_scram(struct connector_exchange *x, struct slice body,
				     struct buf *out, struct connector_fault *fault)
{
	if (!x->scram) {
		const char *password = x->proof->password;
		x->scram = connector_exchange_has_password(x)
				   ? scram_client_new_password(slice_of(password), NULL)
				   : scram_client_new_keys(&x->proof->keys, NULL);
		connector_exchange_bind(x);
	}
	enum scram_client_status status = scram_client_step(x->scram, body, out);
	x->known = status == SCRAM_CLIENT_DONE;
	if (status != SCRAM_CLIENT_FAILED)
		return true;
	connector_fault_set(fault, CONNECTOR_FAULT_UNREACHABLE, "08006",
			    scram_client_reason(x->scram));
	return false;
}

static bool connector_exchange_md5(const struct connector_exchange *x, struct slice body,
				   struct buf *out, struct connector_fault *fault)
{
	char answer[MD5_ANSWER_BYTES + 1], hex[MD5_HEX_BYTES + 1] = { 0 };
	if (body.len != 4 + MD5_SALT_BYTES)
		return connector_exchange_broken(fault);
	bool ok = true;
	if (connector_exchange_has_password(x))
		ok = md5_of_password(slice_of(x->proof->password), slice_of(x->proof->user), hex);
	else
		memcpy(hex, x->proof->md5, MD5_HEX_BYTES);
	ok = ok && md5_answer(hex, (const uint8_t *)body.ptr + 4, answer);
	mem_wipe(hex, sizeof(hex));
	if (ok)
		build_password(out, slice_of(answer));
	else
		connector_fault_set(fault, CONNECTOR_FAULT_UNREACHABLE, "08006",
				    "the server asks for md5, which OpenSSL will not do here");
	return ok;
}

static bool connector_exchange_answer(struct connector_exchange *x, enum connector_method method,
				      struct slice body, struct buf *out,
				      struct connector_fault *fault)
{
	x->proved = method != CONNECTOR_METHOD_NONE;
	switch (method) {
	case CONNECTOR_METHOD_SCRAM:
		return connector_exchange_scram(x, body, out, fault);
	case CONNECTOR_METHOD_MD5:
		return connector_exchange_md5(x, body, out, fault);
	case CONNECTOR_METHOD_PASSWORD:
		if (body.len != 4)
			break;
		build_password(out, slice_of(x->proof->password));
		return true;
	case CONNECTOR_METHOD_NONE:
	case CONNECTOR_METHOD_COUNT:
		x->known = body.len == 4;
		return x->known || connector_exchange_broken(fault);
	}
	return connector_exchange_broken(fault);
}

/* ---- the exchange -----------------------------------------------------------------------------
 */

bool connector_exchange_step(struct connector_exchange *x, struct slice body, struct buf *out,
			     struct connector_fault *fault)
{
	enum connector_method method;
	struct reader r;
	reader_init(&r, body);
	uint32_t code = reader_u32(&r);
	if (reader_failed(&r))
		return connector_exchange_broken(fault);
	if (x->scram)
		return connector_exchange_scram(x, body, out, fault);
	if (!x->asked) {
		x->asked = true;
		return connector_exchange_may_ask(x, code, &method, fault) &&
		       connector_exchange_answer(x, method, body, out, fault);
	}
	x->known = code == CONNECTOR_ASKS_OK && body.len == 4;
	return x->known || connector_exchange_broken(fault);
}

void connector_exchange_fini(struct connector_exchange *x)
{
	scram_client_free(x->scram);
	x->scram = NULL;
}
