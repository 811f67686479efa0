/*
 * test_scram.c - the arithmetic of SCRAM against RFC 7677 and PostgreSQL's secrets; its grammar.
 */
#include "auth/scram.h"

#include "auth/base64.h"
#include "check_auth.h"

static void key_of(const char *text, uint8_t key[SCRAM_KEY_BYTES])
{
	ck_assert_int_eq(base64_decode(slice_of(text), key, SCRAM_KEY_BYTES), SCRAM_KEY_BYTES);
}

static void rfc_keys(struct scram_keys *keys)
{
	uint8_t salt[16], salted[SCRAM_KEY_BYTES];
	ck_assert_int_eq(base64_decode(SLICE(RFC_SALT), salt, sizeof(salt)), 16);
	ck_assert(scram_salt_password(SLICE("pencil"), slice_make(salt, 16), 4096, salted));
	ck_assert(scram_derive_keys(salted, keys));
}

START_TEST(proof_of_the_rfc)
{
	struct scram_keys keys;
	uint8_t want[SCRAM_KEY_BYTES], got[SCRAM_KEY_BYTES], client_key[SCRAM_KEY_BYTES];
	rfc_keys(&keys);
	key_of(RFC_PROOF, want);
	ck_assert(scram_make_proof(&keys, SLICE(RFC_AUTH_MESSAGE), got));
	ck_assert_mem_eq(got, want, sizeof(got));

	ck_assert(scram_check_proof(keys.stored_key, SLICE(RFC_AUTH_MESSAGE), got, client_key));
	ck_assert_mem_eq(client_key, keys.client_key, sizeof(client_key));
	ck_assert(
		!scram_check_proof(keys.stored_key, SLICE(RFC_AUTH_MESSAGE "x"), got, client_key));
	for (size_t bit = 0; bit < 8 * sizeof(got); bit++) {
		got[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert(!scram_check_proof(keys.stored_key, SLICE(RFC_AUTH_MESSAGE), got,
					     client_key));
		got[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(signature_of_the_rfc)
{
	struct scram_keys keys;
	uint8_t want[SCRAM_KEY_BYTES], got[SCRAM_KEY_BYTES];
	rfc_keys(&keys);
	key_of(RFC_SIGNATURE, want);
	ck_assert(scram_make_signature(keys.server_key, SLICE(RFC_AUTH_MESSAGE), got));
	ck_assert_mem_eq(got, want, sizeof(got));
}
END_TEST

START_TEST(secrets_of_postgresql)
{
	struct scram_verifier want, got;
	const struct known *k = &known_ascii[_i];
	ck_assert(scram_parse_verifier(slice_of(k->secret), &want));
	ck_assert_uint_eq(want.iterations, 4096);
	ck_assert_uint_eq(want.salt_bytes, 16);
	ck_assert(
		scram_make_verifier(slice_of(k->password), slice_make(want.salt, 16), 4096, &got));
	ck_assert_mem_eq(&got, &want, sizeof(got));
}
END_TEST

#define KEY_TEXT "73X+hmpqdxtP3XULrKUKjCGN7J7onbNp5layXfJxSc4="
#define SHORT_KEY_TEXT "73X+hmpqdxtP3XULrKUKjCGN7J7onbNp5layXfJx"

START_TEST(malformed_verifiers)
{
	static const char *const bad[] = {
		"",
		"SCRAM-SHA-256",
		"SCRAM-SHA-256$",
		"SCRAM-SHA-1$4096:Zm9v$" KEY_TEXT ":" KEY_TEXT,
		"scram-sha-256$4096:Zm9v$" KEY_TEXT ":" KEY_TEXT,
		"SCRAM-SHA-256$:Zm9v$" KEY_TEXT ":" KEY_TEXT,
		"SCRAM-SHA-256$0:Zm9v$" KEY_TEXT ":" KEY_TEXT,
		"SCRAM-SHA-256$-1:Zm9v$" KEY_TEXT ":" KEY_TEXT,
		"SCRAM-SHA-256$04096:Zm9v$" KEY_TEXT ":" KEY_TEXT,
		"SCRAM-SHA-256$1000001:Zm9v$" KEY_TEXT ":" KEY_TEXT,
		"SCRAM-SHA-256$99999999999999999999:Zm9v$" KEY_TEXT ":" KEY_TEXT,
		"SCRAM-SHA-256$4096 :Zm9v$" KEY_TEXT ":" KEY_TEXT,
		"SCRAM-SHA-256$4096:$" KEY_TEXT ":" KEY_TEXT,
		"SCRAM-SHA-256$4096:Zm9$" KEY_TEXT ":" KEY_TEXT,
		"SCRAM-SHA-256$4096:Zm9v$" KEY_TEXT,
		"SCRAM-SHA-256$4096:Zm9v$" KEY_TEXT ":",
		"SCRAM-SHA-256$4096:Zm9v$:" KEY_TEXT,
		"SCRAM-SHA-256$4096:Zm9v$" SHORT_KEY_TEXT ":" KEY_TEXT,
		"SCRAM-SHA-256$4096:Zm9v$" KEY_TEXT ":" SHORT_KEY_TEXT,
		"SCRAM-SHA-256$4096:Zm9v$" KEY_TEXT ":" KEY_TEXT " ",
		"SCRAM-SHA-256$4096:Zm9v$" KEY_TEXT ":" KEY_TEXT ":",
	};
	struct scram_verifier v;
	ck_assert(scram_parse_verifier(SLICE("SCRAM-SHA-256$1000000:Zm9v$" KEY_TEXT ":" KEY_TEXT),
				       &v));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		ck_assert_msg(!scram_parse_verifier(slice_of(bad[i]), &v), "%s", bad[i]);
}
END_TEST

START_TEST(salts_of_any_length)
{
	struct scram_verifier v;
	char raw[SCRAM_MAX_SALT_BYTES + 1] = { 0 };
	char salt[BASE64_TEXT_BYTES(sizeof(raw)) + 1];
	for (size_t n = 1; n <= sizeof(raw); n++) {
		struct buf b = { 0 };
		base64_encode(raw, n, salt);
		buf_addf(&b, "SCRAM-SHA-256$4096:%s$%s:%s", salt, KEY_TEXT, KEY_TEXT);
		ck_assert_int_eq(scram_parse_verifier(buf_slice(&b), &v),
				 n <= SCRAM_MAX_SALT_BYTES);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(takes_attributes)
{
	struct slice text = SLICE("r=a=b,s=c,xx"), value;
	ck_assert(!scram_take_attribute(&text, 's', &value));
	ck_assert(scram_take_attribute(&text, 'r', &value));
	ck_assert(slice_eq_str(value, "a=b"));
	ck_assert(scram_take_attribute(&text, 0, &value));
	ck_assert(slice_eq_str(value, "c"));
	ck_assert(!scram_take_attribute(&text, 0, &value));
	text = SLICE("v=x");
	ck_assert(scram_take_attribute(&text, 'v', &value));
	ck_assert_uint_eq(text.len, 0);
	ck_assert(!scram_take_attribute(&text, 'v', &value));

	static const struct slice bad[] = {
		{ "", 0 },     { "r", 1 },    { "r=", 2 },    { "r=,s=x", 6 },
		{ "=x,", 3 },  { "1=x", 3 },  { "r:x", 3 },   { "r=x,", 4 },
		{ ",r=x", 4 }, { "rr=x", 4 }, { "r=\0x", 4 }, { "r=x\0,", 5 },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		text = bad[i];
		ck_assert_msg(!scram_take_attribute(&text, 0, &value), "number %zu", i);
	}
}
END_TEST

START_TEST(nonces)
{
	char nonce[SCRAM_NONCE_BYTES + 1], other[SCRAM_NONCE_BYTES + 1];
	ck_assert(scram_make_nonce(nonce));
	ck_assert(scram_make_nonce(other));
	ck_assert_uint_eq(strlen(nonce), SCRAM_NONCE_BYTES);
	ck_assert(scram_is_nonce(slice_of(nonce)));
	ck_assert_str_ne(nonce, other);

	char text[SCRAM_MAX_NONCE_BYTES + 1];
	memset(text, 'x', sizeof(text));
	ck_assert(scram_is_nonce(slice_make(text, SCRAM_MAX_NONCE_BYTES)));
	ck_assert(!scram_is_nonce(slice_make(text, SCRAM_MAX_NONCE_BYTES + 1)));
	ck_assert(!scram_is_nonce(SLICE("")));
	for (int c = 0; c < 256; c++) {
		text[1] = (char)c;
		bool is_printable = c > 0x20 && c < 0x7f && c != ',';
		ck_assert_int_eq(scram_is_nonce(slice_make(text, 3)), is_printable);
	}
}
END_TEST

Suite *suite_scram(void)
{
	Suite *s = suite_create("scram");
	TCase *tc = tcase_create("scram");
	tcase_add_test(tc, proof_of_the_rfc);
	tcase_add_test(tc, signature_of_the_rfc);
	tcase_add_loop_test(tc, secrets_of_postgresql, 0, COUNT_OF(known_ascii));
	tcase_add_test(tc, malformed_verifiers);
	tcase_add_test(tc, salts_of_any_length);
	tcase_add_test(tc, takes_attributes);
	tcase_add_test(tc, nonces);
	suite_add_tcase(s, tc);
	return s;
}
