/*
 * test_secret.c - kinds of secrets; the verifier that is computed once, also by many at once.
 */
#include "auth/secret.h"

#include <pthread.h>

#include "check_auth.h"

static const struct {
	const char *text;
	enum secret_kind kind;
	bool is_doubtful;
} kinds[] = {
	{ "", SECRET_NONE, false },
	{ "hello", SECRET_PLAIN, false },
	{ "md5", SECRET_PLAIN, false },
	{ "md5 is a hash", SECRET_PLAIN, false },
	{ KNOWN_MD5, SECRET_MD5, false },
	{ KNOWN_MD5 "0", SECRET_PLAIN, false },
	{ "md56b765adf84f3c4341e8aab77ceda3bf", SECRET_PLAIN, false },
	{ "md56b765adf84f3c4341e8aab77ceda3bfg", SECRET_PLAIN, true },
	{ "md56B765ADF84F3C4341E8AAB77CEDA3BF1", SECRET_PLAIN, true },
	{ "MD56b765adf84f3c4341e8aab77ceda3bf1", SECRET_PLAIN, false },
	{ "SCRAM-SHA-256", SECRET_PLAIN, false },
	{ "SCRAM-SHA-256$4096:Zm9v", SECRET_PLAIN, true },
	{ "SCRAM-SHA-256$4096:4couKAzy2Mlw4nyVBPcAEA==$73X+hmpqdxtP3XULrKUKjCGN7J7onbNp5layXfJxSc4="
	  ":"
	  "f/8fOZncXfGQw2Y1H9SA+yZGBWfjnmcH9sUAuJitMO4=",
	  SECRET_SCRAM, false },
};

START_TEST(kinds_are_told_apart)
{
	struct secret *s = secret_new(slice_of(kinds[_i].text));
	ck_assert_int_eq(secret_kind(s), kinds[_i].kind);
	ck_assert_int_eq(secret_is_doubtful(s), kinds[_i].is_doubtful);
	ck_assert(slice_eq_str(secret_text(s), kinds[_i].text));
	secret_unref(s);
}
END_TEST

START_TEST(names_of_kinds)
{
	ck_assert_str_eq(secret_kind_name(SECRET_NONE), "none");
	ck_assert_str_eq(secret_kind_name(SECRET_SCRAM), "scram-sha-256");
}
END_TEST

START_TEST(parts)
{
	struct secret *md5 = secret_new(SLICE(KNOWN_MD5));
	ck_assert(slice_eq_str(secret_md5_hex(md5), &KNOWN_MD5[3]));
	struct secret *scram = secret_new(slice_of(known_ascii[0].secret));
	ck_assert_uint_eq(secret_scram(scram)->iterations, 4096);
	struct secret *again = secret_new(SLICE(KNOWN_MD5));
	ck_assert(secret_is_same(md5, again));
	ck_assert(!secret_is_same(md5, scram));
	secret_unref(again);
	secret_unref(md5);
	secret_unref(scram);
}
END_TEST

START_TEST(references)
{
	struct secret *s = secret_new(SLICE("x"));
	ck_assert_ptr_eq(secret_ref(s), s);
	secret_unref(s);
	ck_assert(slice_eq_str(secret_text(s), "x"));
	secret_unref(s);
	ck_assert_ptr_null(secret_ref(NULL));
	secret_unref(NULL);
}
END_TEST

START_TEST(verifier_is_kept_for_its_salt)
{
	struct secret *s = secret_new(SLICE("secret"));
	struct scram_verifier v, other;
	ck_assert_ptr_null(secret_verifier(s, SLICE("0123456789abcdef")));
	ck_assert(secret_make_verifier(s, SLICE("0123456789abcdef"), &v));
	const struct scram_verifier *kept = secret_verifier(s, SLICE("0123456789abcdef"));
	ck_assert_ptr_nonnull(kept);
	ck_assert_mem_eq(kept, &v, sizeof(v));
	ck_assert_uint_eq(v.iterations, SCRAM_ITERATIONS);

	/* another salt is computed, and does not push out what others may be reading */
	ck_assert_ptr_null(secret_verifier(s, SLICE("another")));
	ck_assert(secret_make_verifier(s, SLICE("another"), &other));
	ck_assert_mem_ne(other.stored_key, v.stored_key, SCRAM_KEY_BYTES);
	ck_assert_ptr_null(secret_verifier(s, SLICE("another")));
	ck_assert_ptr_eq(secret_verifier(s, SLICE("0123456789abcdef")), kept);
	secret_unref(s);
}
END_TEST

#define THREADS 4

static void *compute(void *arg)
{
	struct secret *s = arg;
	struct scram_verifier v;
	bool ok = secret_make_verifier(s, SLICE("salt"), &v);
	const struct scram_verifier *kept = secret_verifier(s, SLICE("salt"));
	ok = ok && kept && memcmp(kept, &v, sizeof(v)) == 0;
	secret_unref(s);
	return ok ? s : NULL;
}

START_TEST(many_compute_it_at_once)
{
	struct secret *s = secret_new(SLICE("secret"));
	pthread_t threads[THREADS];
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, compute, secret_ref(s)), 0);
	for (size_t i = 0; i < THREADS; i++) {
		void *result;
		ck_assert_int_eq(pthread_join(threads[i], &result), 0);
		ck_assert_ptr_nonnull(result);
	}
	secret_unref(s);
}
END_TEST

Suite *suite_secret(void)
{
	Suite *s = suite_create("secret");
	TCase *tc = tcase_create("secret");
	tcase_add_loop_test(tc, kinds_are_told_apart, 0, COUNT_OF(kinds));
	tcase_add_test(tc, names_of_kinds);
	tcase_add_test(tc, parts);
	tcase_add_test(tc, references);
	tcase_add_test(tc, verifier_is_kept_for_its_salt);
	tcase_add_test(tc, many_compute_it_at_once);
	suite_add_tcase(s, tc);
	return s;
}
