/*
 * test_vault.c - memory for secrets: apart from each other, in no core file, wiped.
 */
#include "base/vault.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_base.h"

#define PIECES 500

/* What the kernel says of the pages around it: "dd" is "do not dump". */
static bool is_dumped(const void *ptr)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	char line[512];
	unsigned long from, to;
	bool is_here = false, dumped = true;
	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			is_here = (uintptr_t)ptr >= from && (uintptr_t)ptr < to;
		else if (is_here && strncmp(line, "VmFlags:", 8) == 0)
			dumped = !strstr(line, " dd");
	}
	fclose(maps);
	return dumped;
}

static bool is_clear(const unsigned char *piece, size_t n)
{
	return piece[0] == 0 && memcmp(piece, piece + 1, n - 1) == 0;
}

START_TEST(pieces_are_apart_and_cleared)
{
	static unsigned char *held[PIECES];
	static size_t sizes[PIECES];
	srand(5);
	for (int step = 0; step < 20000; step++) {
		int i = rand() % PIECES;
		unsigned char mark = (unsigned char)(i % 255 + 1);
		if (!held[i]) {
			sizes[i] = (size_t)rand() % (rand() % 20 ? 300 : 30000) + 1;
			held[i] = vault_alloc(sizes[i]);
			ck_assert_uint_eq((uintptr_t)held[i] % 16, 0);
			ck_assert(is_clear(held[i], sizes[i]));
			memset(held[i], mark, sizes[i]);
		} else {
			ck_assert_int_eq(held[i][0], mark); /* nobody else wrote here */
			ck_assert_int_eq(held[i][sizes[i] - 1], mark);
			vault_free(held[i]);
			held[i] = NULL;
		}
	}
	for (int i = 0; i < PIECES; i++)
		vault_free(held[i]);
}
END_TEST

START_TEST(they_are_in_no_core_file)
{
	static const size_t sizes[] = { 1, 48, 49, 1000, 4096, 100000 };
	char *other = strdup("elsewhere");
	ck_assert(is_dumped(other));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *piece = vault_alloc(sizes[i]);
		ck_assert_msg(!is_dumped(piece), "%zu bytes", sizes[i]);
		ck_assert_msg(!is_dumped(piece + sizes[i] - 1), "%zu bytes", sizes[i]);
		vault_free(piece);
	}
	free(other);
}
END_TEST

START_TEST(copies_end_with_a_zero)
{
	char *copy = vault_dup(SLICE("sesame")), *empty = vault_dup(SLICE_NONE);
	ck_assert_str_eq(copy, "sesame");
	ck_assert_str_eq(empty, "");
	vault_free(copy);
	vault_free(empty);
	vault_free(NULL);
}
END_TEST

Suite *suite_vault(void)
{
	Suite *s = suite_create("vault");
	TCase *t = tcase_create("vault");
	tcase_add_test(t, pieces_are_apart_and_cleared);
	tcase_add_test(t, they_are_in_no_core_file);
	tcase_add_test(t, copies_end_with_a_zero);
	suite_add_tcase(s, t);
	return s;
}
