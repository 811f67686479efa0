check_PROGRAMS += tests/unit/tap/check_tap
TESTS += tests/unit/tap/check_tap
tests_unit_tap_check_tap_SOURCES = \
	tests/unit/tap/check_tap.c tests/unit/tap/suites.h \
	tests/unit/tap/test_record.c tests/unit/tap/test_ring.c \
	tests/unit/tap/test_texts.c
tests_unit_tap_check_tap_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit/tap
tests_unit_tap_check_tap_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_tap_check_tap_LDADD = \
	$(WHOLE_BEGIN) src/tap/libtap.a $(WHOLE_END) \
	src/base/libbase.a $(XXHASH_LIBS) $(CHECK_LIBS)
tests_unit_tap_check_tap_DEPENDENCIES = src/tap/libtap.a src/base/libbase.a
