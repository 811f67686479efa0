check_PROGRAMS += tests/unit/wire/check_wire
TESTS += tests/unit/wire/check_wire
tests_unit_wire_check_wire_SOURCES = \
	tests/unit/wire/check_wire.c tests/unit/wire/check_wire.h \
	tests/unit/wire/backend_model.c tests/unit/wire/backend_model.h \
	tests/unit/wire/test_build.c \
	tests/unit/wire/test_errors.c \
	tests/unit/wire/test_frame.c \
	tests/unit/wire/test_notice.c \
	tests/unit/wire/test_reader.c \
	tests/unit/wire/test_startup.c \
	tests/unit/wire/test_tag.c \
	tests/unit/wire/test_talk.c \
	tests/unit/wire/test_track.c \
	tests/unit/wire/test_track_random.c
tests_unit_wire_check_wire_CPPFLAGS = $(AM_CPPFLAGS) \
	-DTALK_DIR='"$(abs_top_srcdir)/tests/unit/wire"'
tests_unit_wire_check_wire_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_wire_check_wire_LDADD = \
	$(WHOLE_BEGIN) src/wire/libwire.a $(WHOLE_END) \
	src/base/libbase.a $(XXHASH_LIBS) $(CHECK_LIBS)
tests_unit_wire_check_wire_DEPENDENCIES = src/wire/libwire.a src/base/libbase.a
EXTRA_DIST += $(wildcard $(top_srcdir)/tests/unit/wire/*.talk)
