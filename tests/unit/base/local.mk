check_PROGRAMS += tests/unit/base/check_base
TESTS += tests/unit/base/check_base
tests_unit_base_check_base_SOURCES = \
	tests/unit/base/check_base.c tests/unit/base/check_base.h \
	tests/unit/base/test_buf.c \
	tests/unit/base/test_filetext.c \
	tests/unit/base/test_hist.c \
	tests/unit/base/test_list.c \
	tests/unit/base/test_log.c \
	tests/unit/base/test_map.c \
	tests/unit/base/test_slab.c \
	tests/unit/base/test_vault.c \
	tests/unit/base/test_slice.c \
	tests/unit/base/test_thread.c \
	tests/unit/base/test_wheel.c
tests_unit_base_check_base_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_base_check_base_LDADD = \
	$(WHOLE_BEGIN) src/base/libbase.a $(WHOLE_END) \
	$(XXHASH_LIBS) $(CHECK_LIBS)
tests_unit_base_check_base_DEPENDENCIES = src/base/libbase.a
