/*
 * test_scram_server.c - the server's grammar: RFC 7677's conversation, and all that is not it.
 */
#include "auth/scram_server.h"

#include <stdlib.h>

#include "auth/base64.h"
#include "check_auth.h"

#define SERVER_NONCE "XYZ"

static struct slice rfc_salt(void)
{
	static uint8_t salt[16];
	ck_assert_int_eq(base64_decode(SLICE(RFC_SALT), salt, sizeof(salt)), 16);
	return slice_make(salt, sizeof(salt));
}

static void rfc_first(struct scram_server *s)
{
	scram_server_init(s);
	ck_assert_ptr_null(scram_server_first(s, SLICE("n,," RFC_CLIENT_FIRST_BARE),
					      RFC_SERVER_NONCE, rfc_salt(), 4096));
}

START_TEST(conversation_of_the_rfc)
{
	struct scram_server s;
	struct scram_verifier v;
	struct scram_keys keys;
	char final[SCRAM_SERVER_FINAL_BYTES + 1];
	rfc_first(&s);
	ck_assert(slice_eq_str(scram_server_challenge(&s), RFC_SERVER_FIRST));
	ck_assert_ptr_null(scram_server_final(&s, SLICE(RFC_CLIENT_FINAL_BARE ",p=" RFC_PROOF)));
	ck_assert(scram_make_verifier(SLICE("pencil"), rfc_salt(), 4096, &v));
	ck_assert(scram_server_check(&s, &v, &keys, final));
	ck_assert_str_eq(final, "v=" RFC_SIGNATURE);

	uint8_t stored[SCRAM_KEY_BYTES];
	ck_assert(scram_hash(keys.client_key, stored));
	ck_assert_mem_eq(stored, keys.stored_key, sizeof(stored));
	ck_assert_mem_eq(v.server_key, keys.server_key, SCRAM_KEY_BYTES);

	ck_assert(scram_make_verifier(SLICE("pencils"), rfc_salt(), 4096, &v));
	ck_assert(!scram_server_check(&s, &v, &keys, final));
	scram_server_fini(&s);
}
END_TEST

/* What is said of this client-first; NULL: it is taken. */
static const char *first(struct slice text)
{
	struct scram_server s;
	scram_server_init(&s);
	char *copy = malloc(text.len ? text.len : 1); /* exactly as long as it is */
	memcpy(copy, text.ptr, text.len);
	const char *wrong = scram_server_first(&s, slice_make(copy, text.len), SERVER_NONCE,
					       SLICE("salt"), 4096);
	free(copy);
	if (!wrong)
		ck_assert(slice_starts(scram_server_challenge(&s), "r="));
	scram_server_fini(&s);
	return wrong;
}

START_TEST(client_first_that_is_taken)
{
	static const char *const good[] = {
		"n,,n=,r=abc",     "y,,n=,r=abc",         "n,,n=*,r=a",
		"n,,n=user,r=abc", "n,,n=a=2Cb=3D,r=abc", "n,,n=\xc3\xa4,r=abc",
		"n,,n=,r=!~+/=",   "n,,n=,r=abc,a=b",     "n,,n=,r=abc,a=b=c,Z=\xc3\xa4",
	};
	for (size_t i = 0; i < COUNT_OF(good); i++)
		ck_assert_msg(!first(slice_of(good[i])), "%s: %s", good[i],
			      first(slice_of(good[i])));
}
END_TEST

START_TEST(client_first_that_is_refused)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "", "too short" },
		{ "n", "too short" },
		{ "n,", "too short" },
		{ "n,,", "no user name" },
		{ "n,,r=abc", "no user name" },
		{ "n,,n=", "no user name" },
		{ "n,,n", "no user name" },
		{ "n,,n=user", "no user name" },
		{ "n,,N=,r=abc", "no user name" },
		{ "n,,m=x,n=,r=abc", "extension" },
		{ "p=tls-unique,,n=,r=abc", "channel binding" },
		{ "p=tls-server-end-point,,n=,r=abc", "channel binding" },
		{ "x,,n=,r=abc", "channel-binding flag" },
		{ "N,,n=,r=abc", "channel-binding flag" },
		{ "nn,,n=,r=abc", "channel-binding flag" },
		{ ",,,n=,r=abc", "channel-binding flag" },
		{ "n,a=bob,n=,r=abc", "authorization" },
		{ "n,x,n=,r=abc", "header" },
		{ "n,,n==,r=abc", "user name" },
		{ "n,,n=a=2,r=abc", "user name" },
		{ "n,,n=a=2c,r=abc", "user name" },
		{ "n,,n=a=41,r=abc", "user name" },
		{ "n,,n=,", "nonce" },
		{ "n,,n=,r", "nonce" },
		{ "n,,n=,r=", "nonce" },
		{ "n,,n=,r=,a=b", "nonce" },
		{ "n,,n=,s=abc", "nonce" },
		{ "n,,n=,r=a b", "nonce" },
		{ "n,,n=,r=a\177", "nonce" },
		{ "n,,n=,r=\xc3\xa4", "nonce" },
		{ "n,,n=,r=abc,", "nonce" },
		{ "n,,n=,r=abc,,", "malformed" },
		{ "n,,n=,r=abc,x", "malformed" },
		{ "n,,n=,r=abc,x=", "malformed" },
		{ "n,,n=,r=abc,1=x", "malformed" },
		{ "n,,n=,r=abc,a=b,", "malformed" },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const char *wrong = first(slice_of(bad[i].text));
		ck_assert_msg(wrong && strstr(wrong, bad[i].words), "%s: %s", bad[i].text,
			      wrong ? wrong : "taken");
	}
	ck_assert_ptr_nonnull(first(SLICE("n,,n=a\0b,r=abc")));
	ck_assert_ptr_nonnull(first(SLICE("n,,n=,r=abc\0")));
	ck_assert_ptr_nonnull(first(SLICE("n,,n=,r=abc,x=\0")));
}
END_TEST

START_TEST(long_nonces)
{
	struct buf b = { 0 };
	buf_add_str(&b, "n,,n=,r=");
	size_t head = buf_len(&b);
	for (size_t i = 0; i < SCRAM_MAX_NONCE_BYTES; i++)
		buf_u8(&b, 'x');
	ck_assert_uint_eq(buf_len(&b), head + SCRAM_MAX_NONCE_BYTES);
	ck_assert_ptr_null(first(buf_slice(&b)));
	buf_u8(&b, 'x');
	ck_assert_ptr_nonnull(first(buf_slice(&b)));
	buf_fini(&b);
}
END_TEST

/* What is said of this client-final after a client-first with this flag. */
static const char * final(char flag, const char *text)
{
	struct scram_server s;
	char first_text[] = "n,,n=,r=abc";
	first_text[0] = flag;
	scram_server_init(&s);
	ck_assert_ptr_null(
		scram_server_first(&s, slice_of(first_text), SERVER_NONCE, SLICE("salt"), 4096));
	const char *wrong = scram_server_final(&s, slice_of(text));
	scram_server_fini(&s);
	return wrong;
}

START_TEST(client_final)
{
	static const struct {
		char flag;
		const char *text, *words; /* NULL: taken */
	} cases[] = {
		{ 'n', "c=biws,r=abcXYZ,p=" RFC_PROOF, NULL },
		{ 'y', "c=eSws,r=abcXYZ,p=" RFC_PROOF, NULL },
		{ 'n', "c=biws,r=abcXYZ,x=y,Z=z=z,p=" RFC_PROOF, NULL },
		{ 'n', "c=eSws,r=abcXYZ,p=" RFC_PROOF, "unexpected" },
		{ 'y', "c=biws,r=abcXYZ,p=" RFC_PROOF, "unexpected" },
		{ 'n', "c=biws=,r=abcXYZ,p=" RFC_PROOF, "unexpected" },
		{ 'n', "c=cD10bHMtdW5pcXVlLCw=,r=abcXYZ,p=" RFC_PROOF, "unexpected" },
		{ 'n', "", "channel binding" },
		{ 'n', "r=abcXYZ,p=" RFC_PROOF, "channel binding" },
		{ 'n', "c=,r=abcXYZ,p=" RFC_PROOF, "channel binding" },
		{ 'n', "c=biws", "nonce" },
		{ 'n', "c=biws,p=" RFC_PROOF, "nonce" },
		{ 'n', "c=biws,r=abcXY,p=" RFC_PROOF, "nonce" },
		{ 'n', "c=biws,r=abcXYZZ,p=" RFC_PROOF, "nonce" },
		{ 'n', "c=biws,r=abc,p=" RFC_PROOF, "nonce" },
		{ 'n', "c=biws,r=XYZ,p=" RFC_PROOF, "nonce" },
		{ 'n', "c=biws,r=,p=" RFC_PROOF, "nonce" },
		{ 'n', "c=biws,r=abcXYZ", "proof" },
		{ 'n', "c=biws,r=abcXYZ,", "nonce" },
		{ 'n', "c=biws,r=abcXYZ,x=y", "proof" },
		{ 'n', "c=biws,r=abcXYZ,x,p=" RFC_PROOF, "malformed" },
		{ 'n', "c=biws,r=abcXYZ,p", "proof" },
		{ 'n', "c=biws,r=abcXYZ,p=", "proof" },
		{ 'n', "c=biws,r=abcXYZ,p=biws", "proof" },
		{ 'n', "c=biws,r=abcXYZ,p=biws" RFC_PROOF, "proof" },
		{ 'n', "c=biws,r=abcXYZ,p=" RFC_PROOF "=", "proof" },
		{ 'n', "c=biws,r=abcXYZ,p=" RFC_PROOF ",", "proof" },
		{ 'n', "c=biws,r=abcXYZ,p=" RFC_PROOF ",x=y", "proof" },
		{ 'n', "c=biws,r=abcXYZ,p=" RFC_PROOF " ", "proof" },
		{ 'n', "n,,n=,r=abc", "channel binding" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *wrong = final(cases[i].flag, cases[i].text);
		if (!cases[i].words)
			ck_assert_msg(!wrong, "%s: %s", cases[i].text, wrong);
		else
			ck_assert_msg(wrong && strstr(wrong, cases[i].words), "%s: %s",
				      cases[i].text, wrong ? wrong : "taken");
	}
}
END_TEST

/* Whether the RFC's verifier takes this client-final. */
static bool is_right(const struct scram_verifier *v, struct slice text)
{
	struct scram_server s;
	struct scram_keys keys;
	char said[SCRAM_SERVER_FINAL_BYTES + 1];
	rfc_first(&s);
	bool ok = !scram_server_final(&s, text) && scram_server_check(&s, v, &keys, said);
	scram_server_fini(&s);
	return ok;
}

START_TEST(no_other_client_final_is_right)
{
	struct scram_verifier v;
	ck_assert(scram_make_verifier(SLICE("pencil"), rfc_salt(), 4096, &v));
	char text[] = RFC_CLIENT_FINAL_BARE ",p=" RFC_PROOF;
	size_t len = sizeof(text) - 1;
	ck_assert(is_right(&v, slice_make(text, len)));
	for (size_t i = 0; i < len; i++) {
		ck_assert(!is_right(&v, slice_make(text, i)));
		char was = text[i];
		for (int c = 0; c < 256; c += i % 3 + 1) {
			text[i] = (char)c;
			ck_assert_int_eq(is_right(&v, slice_make(text, len)), text[i] == was);
		}
		text[i] = was;
	}
}
END_TEST

Suite *suite_scram_server(void)
{
	Suite *s = suite_create("scram_server");
	TCase *tc = tcase_create("scram_server");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, conversation_of_the_rfc);
	tcase_add_test(tc, client_first_that_is_taken);
	tcase_add_test(tc, client_first_that_is_refused);
	tcase_add_test(tc, long_nonces);
	tcase_add_test(tc, client_final);
	tcase_add_test(tc, no_other_client_final_is_right);
	suite_add_tcase(s, tc);
	return s;
}
