check_PROGRAMS += tests/unit/sql/check_sql
TESTS += tests/unit/sql/check_sql
tests_unit_sql_check_sql_SOURCES = \
	tests/unit/sql/cases.c tests/unit/sql/cases.h \
	tests/unit/sql/check_sql.c tests/unit/sql/suites.h \
	tests/unit/sql/effect_text.c tests/unit/sql/effect_text.h \
	tests/unit/sql/test_block.c \
	tests/unit/sql/test_effect.c tests/unit/sql/test_literal.c \
	tests/unit/sql/test_fingerprint.c tests/unit/sql/test_lexer.c \
	tests/unit/sql/test_letters.c \
	tests/unit/sql/test_mention.c \
	tests/unit/sql/test_naming.c \
	tests/unit/sql/test_norm.c tests/unit/sql/test_plain.c tests/unit/sql/test_split.c \
	tests/unit/sql/test_defaults.c \
	tests/unit/sql/test_vacant.c \
	tests/unit/sql/test_words.c
tests_unit_sql_check_sql_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit/sql
tests_unit_sql_check_sql_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_sql_check_sql_DEPENDENCIES = src/sql/libsql.a src/base/libbase.a
tests_unit_sql_check_sql_LDADD = \
	$(WHOLE_BEGIN) src/sql/libsql.a $(WHOLE_END) \
	src/base/libbase.a $(XXHASH_LIBS) $(CHECK_LIBS)

# A program for tests/e2e/test_effects_oracle.py.
check_PROGRAMS += tests/unit/sql/effects_print
tests_unit_sql_effects_print_SOURCES = tests/unit/sql/effects_print.c \
	tests/unit/sql/effect_text.c tests/unit/sql/effect_text.h
tests_unit_sql_effects_print_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit/sql
tests_unit_sql_effects_print_LDADD = src/sql/libsql.a src/base/libbase.a $(XXHASH_LIBS)

EXTRA_DIST += \
	tests/unit/sql/effect.cases \
	tests/unit/sql/fingerprint.cases tests/unit/sql/lexer.cases \
	tests/unit/sql/norm.cases tests/unit/sql/split.cases
