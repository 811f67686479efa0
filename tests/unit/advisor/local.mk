check_PROGRAMS += tests/unit/advisor/check_advisor
TESTS += tests/unit/advisor/check_advisor
tests_unit_advisor_check_advisor_SOURCES = \
	tests/unit/advisor/check_advisor.c tests/unit/advisor/suites.h \
	tests/unit/advisor/test_lineout.c tests/unit/advisor/test_observer.c \
	tests/unit/advisor/test_slowlog.c tests/unit/advisor/test_slowsql.c
tests_unit_advisor_check_advisor_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit/advisor
tests_unit_advisor_check_advisor_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_advisor_check_advisor_LDADD = \
	$(WHOLE_BEGIN) src/advisor/libadvisor.a $(WHOLE_END) \
	src/sql/libsql.a src/tap/libtap.a src/base/libbase.a $(XXHASH_LIBS) $(CHECK_LIBS)
tests_unit_advisor_check_advisor_DEPENDENCIES = \
	src/advisor/libadvisor.a src/sql/libsql.a src/tap/libtap.a src/base/libbase.a
