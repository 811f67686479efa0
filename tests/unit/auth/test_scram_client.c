/*
 * test_scram_client.c - logging in to a server: one that is right, and all that are not.
 *
 * The server is made of scram_server.c, which has its own tests against RFC 7677.
 */
#include "auth/scram_client.h"

#include <stdlib.h>

#include "auth/base64.h"
#include "auth/scram_server.h"
#include "check_auth.h"

#define NONCE "fyko+d2lbbFgONRv9qkxdawL"
#define OFFER "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"

static enum scram_client_status feed(struct scram_client *c, uint32_t code, struct slice text,
				     struct buf *out)
{
	struct buf body = { 0 };
	buf_u32(&body, code);
	buf_add_slice(&body, text);
	struct slice exact = slice_make(slice_dup(buf_slice(&body)), buf_len(&body));
	enum scram_client_status status = scram_client_step(c, exact, out);
	free((void *)(uintptr_t)exact.ptr);
	buf_fini(&body);
	return status;
}

/* The client's SASLInitialResponse, without its frame: what follows mechanism and length. */
static void take_initial(struct buf *out, struct buf *text)
{
	ck_assert_int_eq(peer_take(out, text), 'p');
	size_t head = sizeof(SCRAM_MECHANISM) + 4;
	ck_assert_mem_eq(buf_slice(text).ptr, SCRAM_MECHANISM, sizeof(SCRAM_MECHANISM));
	ck_assert_uint_gt(buf_len(text), head);
	ck_assert_uint_eq((uint8_t)buf_slice(text).ptr[head - 1], buf_len(text) - head);
	buf_consume(text, head);
}

static void keys_of(const char *password, struct slice salt, struct scram_keys *keys)
{
	uint8_t salted[SCRAM_KEY_BYTES];
	ck_assert(scram_salt_password(slice_of(password), salt, 4096, salted));
	ck_assert(scram_derive_keys(salted, keys));
}

/* The whole way, up to AuthenticationOk. */
static enum scram_client_status log_in(struct scram_client *c, const char *server_password)
{
	struct scram_server s;
	struct scram_verifier v;
	struct scram_keys keys;
	struct buf out = { 0 }, text = { 0 };
	char said[SCRAM_SERVER_FINAL_BYTES + 1];
	scram_server_init(&s);
	ck_assert(scram_make_verifier(slice_of(server_password), SLICE("salt"), 4096, &v));
	ck_assert_int_eq(feed(c, 10, SLICE(OFFER), &out), SCRAM_CLIENT_MORE);
	take_initial(&out, &text);
	ck_assert_ptr_null(scram_server_first(&s, buf_slice(&text), "XYZ", SLICE("salt"), 4096));

	ck_assert_int_eq(feed(c, 11, scram_server_challenge(&s), &out), SCRAM_CLIENT_MORE);
	ck_assert_int_eq(peer_take(&out, &text), 'p');
	ck_assert_ptr_null(scram_server_final(&s, buf_slice(&text)));
	enum scram_client_status status = SCRAM_CLIENT_FAILED;
	if (scram_server_check(&s, &v, &keys, said)) {
		ck_assert_int_eq(feed(c, 12, slice_of(said), &out), SCRAM_CLIENT_MORE);
		ck_assert_uint_eq(buf_len(&out), 0);
		status = feed(c, 0, SLICE_NONE, &out);
	}
	ck_assert_uint_eq(buf_len(&out), 0);
	scram_server_fini(&s);
	buf_fini(&out);
	buf_fini(&text);
	return status;
}

START_TEST(password_logs_in)
{
	struct scram_client *c = scram_client_new_password(SLICE("pencil"), NULL);
	ck_assert_int_eq(log_in(c, "pencil"), SCRAM_CLIENT_DONE);
	ck_assert_str_eq(scram_client_reason(c), "");
	scram_client_free(c);
	c = scram_client_new_password(SLICE("pencil"), NULL);
	ck_assert_int_eq(log_in(c, "pen"), SCRAM_CLIENT_FAILED);
	scram_client_free(c);
	scram_client_free(NULL);
}
END_TEST

START_TEST(keys_log_in)
{
	struct scram_keys keys;
	keys_of("pencil", SLICE("salt"), &keys);
	memset(keys.stored_key, 0, sizeof(keys.stored_key)); /* not needed */
	struct scram_client *c = scram_client_new_keys(&keys, NULL);
	ck_assert_int_eq(log_in(c, "pencil"), SCRAM_CLIENT_DONE);
	scram_client_free(c);

	keys_of("pencil", SLICE("another salt"), &keys);
	c = scram_client_new_keys(&keys, NULL);
	ck_assert_int_eq(log_in(c, "pencil"), SCRAM_CLIENT_FAILED);
	scram_client_free(c);
}
END_TEST

/* What a client says first and last, with what it is bound to. */
static void check_binding(const char *offer, size_t offer_bytes, const char *binding, bool demanded,
			  const char *mechanism, const char *first, const char *last)
{
	struct scram_keys keys;
	struct buf out = { 0 }, text = { 0 };
	keys_of("pencil", SLICE("salt"), &keys);
	struct scram_client *c = scram_client_new_keys(&keys, NONCE);
	scram_client_bind(c, slice_of(binding), demanded);
	ck_assert_int_eq(feed(c, 10, slice_make(offer, offer_bytes), &out), SCRAM_CLIENT_MORE);
	ck_assert_int_eq(peer_take(&out, &text), 'p');
	ck_assert_str_eq(buf_slice(&text).ptr, mechanism);
	buf_consume(&text, strlen(mechanism) + 1 + 4);
	ck_assert(slice_eq_str(buf_slice(&text), first));
	ck_assert_int_eq(feed(c, 11, SLICE("r=" NONCE "XYZ,s=c2FsdA==,i=4096"), &out),
			 SCRAM_CLIENT_MORE);
	ck_assert_int_eq(peer_take(&out, &text), 'p');
	ck_assert(slice_starts(buf_slice(&text), last));
	scram_client_free(c);
	buf_fini(&out);
	buf_fini(&text);
}

#define PLAIN "SCRAM-SHA-256\0\0"
#define BOUND "p=tls-server-end-point,,n=,r=" NONCE

START_TEST(the_channel_is_bound_where_both_can)
{
	/* "p=tls-server-end-point,,0123" in base64 */
	check_binding(OFFER, sizeof(OFFER) - 1, "0123", _i, SCRAM_MECHANISM_PLUS, BOUND,
		      "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsMDEyMw==,r=" NONCE "XYZ,p=");
}
END_TEST

START_TEST(the_server_hears_that_we_could_have_bound)
{
	check_binding(PLAIN, sizeof(PLAIN) - 1, "0123", false, SCRAM_MECHANISM, "y,,n=,r=" NONCE,
		      "c=eSws,r=" NONCE "XYZ,p=");
	check_binding(OFFER, sizeof(OFFER) - 1, "", false, SCRAM_MECHANISM, "n,,n=,r=" NONCE,
		      "c=biws,r=" NONCE "XYZ,p=");
}
END_TEST

START_TEST(no_proof_without_the_binding_that_is_demanded)
{
	struct scram_keys keys;
	struct buf out = { 0 };
	keys_of("pencil", SLICE("salt"), &keys);
	struct scram_client *c = scram_client_new_keys(&keys, NULL);
	scram_client_bind(c, _i ? SLICE("0123") : SLICE_NONE, true);
	ck_assert_int_eq(feed(c, 10, _i ? SLICE(PLAIN) : SLICE(OFFER), &out), SCRAM_CLIENT_FAILED);
	ck_assert_uint_eq(buf_len(&out), 0);
	ck_assert_ptr_nonnull(strstr(scram_client_reason(c), "channel binding is demanded"));
	scram_client_free(c);
}
END_TEST

START_TEST(nonces_differ)
{
	struct buf out = { 0 }, a = { 0 }, b = { 0 };
	for (size_t i = 0; i < 2; i++) {
		struct scram_client *c = scram_client_new_password(SLICE("x"), NULL);
		ck_assert_int_eq(feed(c, 10, SLICE(OFFER), &out), SCRAM_CLIENT_MORE);
		take_initial(&out, i ? &a : &b);
		scram_client_free(c);
	}
	ck_assert(slice_starts(buf_slice(&a), "n,,n=,r="));
	ck_assert(!slice_eq(buf_slice(&a), buf_slice(&b)));
	buf_fini(&out);
	buf_fini(&a);
	buf_fini(&b);
}
END_TEST

/* ---- what a server may not say ------------------------------------------------------ */

/* Of "pencil" salted with "salt", computed once per test. */
static void pencil_keys(struct scram_keys *keys)
{
	static struct scram_keys known;
	static bool is_known;
	if (!is_known)
		keys_of("pencil", SLICE("salt"), &known);
	is_known = true;
	*keys = known;
}

/* A client that is about to hear what `code` brings. */
static struct scram_client *client_before(uint32_t code)
{
	struct scram_keys keys;
	struct buf out = { 0 };
	pencil_keys(&keys);
	struct scram_client *c = scram_client_new_keys(&keys, NONCE);
	if (code > 10)
		ck_assert_int_eq(feed(c, 10, SLICE(OFFER), &out), SCRAM_CLIENT_MORE);
	if (code > 11)
		ck_assert_int_eq(feed(c, 11, SLICE("r=" NONCE "XYZ,s=c2FsdA==,i=4096"), &out),
				 SCRAM_CLIENT_MORE);
	buf_fini(&out);
	return c;
}

/* The right server-final for client_before(12). */
static void right_signature(char text[SCRAM_SERVER_FINAL_BYTES + 1])
{
	struct scram_keys keys;
	uint8_t signature[SCRAM_KEY_BYTES];
	pencil_keys(&keys);
	ck_assert(scram_make_signature(
		keys.server_key,
		SLICE("n=,r=" NONCE ",r=" NONCE "XYZ,s=c2FsdA==,i=4096,c=biws,r=" NONCE "XYZ"),
		signature));
	memcpy(text, "v=", 2);
	base64_encode(signature, sizeof(signature), text + 2);
}

/* Whether it is refused, with these words, with nothing sent, and for good. */
static void assert_refused(uint32_t before, uint32_t code, struct slice text, const char *words)
{
	struct buf out = { 0 };
	struct scram_client *c = client_before(before);
	ck_assert_msg(feed(c, code, text, &out) == SCRAM_CLIENT_FAILED, "%u: %.*s", (unsigned)code,
		      SLICE_ARGS(text));
	ck_assert_msg(strstr(scram_client_reason(c), words), "%.*s: %s", SLICE_ARGS(text),
		      scram_client_reason(c));
	ck_assert_uint_eq(buf_len(&out), 0);
	ck_assert_int_eq(feed(c, 0, SLICE_NONE, &out), SCRAM_CLIENT_FAILED);
	ck_assert_int_eq(feed(c, 10, SLICE(OFFER), &out), SCRAM_CLIENT_FAILED);
	ck_assert_int_eq(feed(c, UINT32_MAX, SLICE_NONE, &out), SCRAM_CLIENT_FAILED);
	ck_assert_uint_eq(buf_len(&out), 0);
	scram_client_free(c);
	buf_fini(&out);
}

START_TEST(messages_out_of_turn)
{
	static const uint32_t codes[] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, UINT32_MAX
	};
	for (uint32_t before = 10; before <= 12; before++)
		for (size_t i = 0; i < COUNT_OF(codes); i++)
			if (codes[i] != before)
				assert_refused(before, codes[i], SLICE(""), "the server");
	assert_refused(10, 3, SLICE(""), "asks for a plain password");
	assert_refused(10, 5, SLICE("salt"), "asks for an md5 password");
	for (uint32_t before = 10; before <= 12; before++)
		assert_refused(before, 0, SLICE(""), "before it proved who it is");
}
END_TEST

START_TEST(bad_lists_of_mechanisms)
{
	assert_refused(10, 10, SLICE(""), "malformed");
	assert_refused(10, 10, SLICE("SCRAM-SHA-256"), "malformed");
	assert_refused(10, 10, SLICE("SCRAM-SHA-256\0"), "malformed");
	assert_refused(10, 10, SLICE("SCRAM-SHA-256\0\0x"), "malformed");
	assert_refused(10, 10, SLICE("\0"), "does not offer");
	assert_refused(10, 10, SLICE("SCRAM-SHA-256-PLUS\0\0"), "does not offer");
	assert_refused(10, 10, SLICE("scram-sha-256\0SCRAM-SHA-2566\0\0"), "does not offer");
}
END_TEST

START_TEST(bad_challenges)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "", "nonce" },
		{ "r", "nonce" },
		{ "r=", "nonce" },
		{ "m=x,r=" NONCE "X,s=c2FsdA==,i=4096", "extension" },
		{ "s=c2FsdA==,i=4096", "nonce" },
		{ "r=" NONCE "X Y,s=c2FsdA==,i=4096", "nonce" },
		{ "r=" NONCE ",s=c2FsdA==,i=4096", "does not continue" },
		{ "r=XYZ,s=c2FsdA==,i=4096", "does not continue" },
		{ "r=X" NONCE ",s=c2FsdA==,i=4096", "does not continue" },
		{ "r=" NONCE "X", "salt" },
		{ "r=" NONCE "X,", "nonce" },
		{ "r=" NONCE "X,i=4096", "salt" },
		{ "r=" NONCE "X,s=,i=4096", "salt" },
		{ "r=" NONCE "X,s=c2FsdA,i=4096", "salt" },
		{ "r=" NONCE "X,s=c2Fsd!==,i=4096", "salt" },
		{ "r=" NONCE "X,s=c2FsdA==", "iteration" },
		{ "r=" NONCE "X,s=c2FsdA==,i=", "iteration" },
		{ "r=" NONCE "X,s=c2FsdA==,i=0", "iteration" },
		{ "r=" NONCE "X,s=c2FsdA==,i=-1", "iteration" },
		{ "r=" NONCE "X,s=c2FsdA==,i=04", "iteration" },
		{ "r=" NONCE "X,s=c2FsdA==,i=4 ", "iteration" },
		{ "r=" NONCE "X,s=c2FsdA==,i=0x10", "iteration" },
		{ "r=" NONCE "X,s=c2FsdA==,i=1000001", "iteration" },
		{ "r=" NONCE "X,s=c2FsdA==,i=9999999", "iteration" },
		{ "r=" NONCE "X,s=c2FsdA==,i=4294967297", "iteration" },
		{ "r=" NONCE "X,s=c2FsdA==,i=4096,", "iteration" },
		{ "r=" NONCE "X,s=c2FsdA==,i=4096,x", "malformed" },
		{ "r=" NONCE "X,s=c2FsdA==,i=4096,,x=y", "malformed" },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_refused(11, 11, slice_of(bad[i].text), bad[i].words);
	assert_refused(11, 11, SLICE("r=" NONCE "X\0Y,s=c2FsdA==,i=4096"), "nonce");
}
END_TEST

/* A challenge whose nonce and salt have these lengths, with this much behind it. */
static void make_challenge(struct buf *b, size_t nonce_len, size_t salt_len, size_t more)
{
	uint8_t salt[2 * SCRAM_MAX_SALT_BYTES] = { 0 };
	char salt_text[BASE64_TEXT_BYTES(sizeof(salt)) + 1];
	base64_encode(salt, salt_len, salt_text);
	buf_clear(b);
	buf_add_str(b, "r=" NONCE);
	for (size_t i = strlen(NONCE); i < nonce_len; i++)
		buf_u8(b, 'x');
	buf_addf(b, ",s=%s,i=4096", salt_text);
	if (more)
		buf_add_str(b, ",x=");
	for (size_t i = 3; i < more; i++)
		buf_u8(b, 'y');
}

START_TEST(large_challenges)
{
	struct buf b = { 0 }, out = { 0 };
	make_challenge(&b, SCRAM_MAX_NONCE_BYTES, SCRAM_MAX_SALT_BYTES, 100);
	struct scram_client *c = client_before(11);
	ck_assert_int_eq(feed(c, 11, buf_slice(&b), &out), SCRAM_CLIENT_MORE);
	scram_client_free(c);
	make_challenge(&b, SCRAM_MAX_NONCE_BYTES + 1, 16, 0);
	assert_refused(11, 11, buf_slice(&b), "nonce");
	make_challenge(&b, 1 << 20, 16, 0);
	assert_refused(11, 11, buf_slice(&b), "malformed");
	make_challenge(&b, 40, SCRAM_MAX_SALT_BYTES + 1, 0);
	assert_refused(11, 11, buf_slice(&b), "salt");
	make_challenge(&b, 40, 16, SCRAM_MAX_MESSAGE_BYTES);
	assert_refused(11, 11, buf_slice(&b), "malformed");
	buf_fini(&b);
	buf_fini(&out);
}
END_TEST

START_TEST(bad_signatures)
{
	char right[SCRAM_SERVER_FINAL_BYTES + 1];
	right_signature(right);
	assert_refused(12, 12, SLICE(""), "malformed");
	assert_refused(12, 12, SLICE("v="), "malformed");
	assert_refused(12, 12, SLICE("v=c2FsdA=="), "malformed");
	assert_refused(12, 12, SLICE("x=y"), "malformed");
	assert_refused(12, 12, SLICE("v=" RFC_SIGNATURE ","), "malformed");
	assert_refused(12, 12, SLICE("v=" RFC_SIGNATURE ",x"), "malformed");
	assert_refused(12, 12, SLICE("v=" RFC_SIGNATURE), "does not know the password");
	assert_refused(12, 12, SLICE("e=invalid-proof"), "login: invalid-proof");
	assert_refused(12, 12, SLICE("e=\n\x1b[2J\xff"), "login: ??[2J?");
	char big[3000];
	memset(big, 'x', sizeof(big));
	memcpy(big, "e=", 2);
	assert_refused(12, 12, slice_make(big, sizeof(big)), "login: xxx");
	for (size_t i = 0; i < strlen(right); i++)
		assert_refused(12, 12, slice_make(right, i), "the server");
}
END_TEST

START_TEST(no_other_signature_is_right)
{
	char text[SCRAM_SERVER_FINAL_BYTES + 1];
	struct buf out = { 0 };
	right_signature(text);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char was = text[i];
		for (int bit = 0; bit < 8; bit++) {
			text[i] = (char)(was ^ 1 << bit);
			struct scram_client *c = client_before(12);
			ck_assert_int_eq(feed(c, 12, slice_of(text), &out), SCRAM_CLIENT_FAILED);
			scram_client_free(c);
		}
		text[i] = was;
	}
	struct scram_client *c = client_before(12);
	ck_assert_int_eq(feed(c, 12, slice_of(text), &out), SCRAM_CLIENT_MORE);
	ck_assert_int_eq(feed(c, 0, SLICE_NONE, &out), SCRAM_CLIENT_DONE);
	scram_client_free(c);
	buf_fini(&out);
}
END_TEST

START_TEST(extensions_are_ignored)
{
	struct buf out = { 0 };
	struct scram_client *c = client_before(11);
	ck_assert_int_eq(feed(c, 11, SLICE("r=" NONCE "X,s=c2FsdA==,i=1000000,x=y,Z=a=b"), &out),
			 SCRAM_CLIENT_MORE);
	scram_client_free(c);
	buf_fini(&out);
}
END_TEST

START_TEST(after_the_end)
{
	char right[SCRAM_SERVER_FINAL_BYTES + 1];
	struct buf out = { 0 };
	right_signature(right);
	struct scram_client *c = client_before(12);
	ck_assert_int_eq(feed(c, 12, slice_of(right), &out), SCRAM_CLIENT_MORE);
	ck_assert_int_eq(feed(c, 0, SLICE("x"), &out), SCRAM_CLIENT_FAILED);
	scram_client_free(c);
	c = client_before(12);
	ck_assert_int_eq(feed(c, 12, slice_of(right), &out), SCRAM_CLIENT_MORE);
	ck_assert_int_eq(feed(c, 0, SLICE_NONE, &out), SCRAM_CLIENT_DONE);
	ck_assert_int_eq(feed(c, 0, SLICE_NONE, &out), SCRAM_CLIENT_FAILED);
	scram_client_free(c);
	c = client_before(10);
	ck_assert_int_eq(scram_client_step(c, SLICE("\0\0\0"), &out), SCRAM_CLIENT_FAILED);
	scram_client_free(c);
	buf_fini(&out);
}
END_TEST

Suite *suite_scram_client(void)
{
	Suite *s = suite_create("scram_client");
	TCase *tc = tcase_create("scram_client");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, password_logs_in);
	tcase_add_test(tc, keys_log_in);
	tcase_add_test(tc, nonces_differ);
	tcase_add_loop_test(tc, the_channel_is_bound_where_both_can, 0, 2);
	tcase_add_test(tc, the_server_hears_that_we_could_have_bound);
	tcase_add_loop_test(tc, no_proof_without_the_binding_that_is_demanded, 0, 2);
	tcase_add_test(tc, messages_out_of_turn);
	tcase_add_test(tc, bad_lists_of_mechanisms);
	tcase_add_test(tc, bad_challenges);
	tcase_add_test(tc, large_challenges);
	tcase_add_test(tc, bad_signatures);
	tcase_add_test(tc, no_other_signature_is_right);
	tcase_add_test(tc, extensions_are_ignored);
	tcase_add_test(tc, after_the_end);
	suite_add_tcase(s, tc);
	return s;
}
