noinst_LIBRARIES += src/wire/libwire.a
src_wire_libwire_a_SOURCES = \
	src/wire/build.c src/wire/build.h \
	src/wire/errors.c src/wire/errors.h src/wire/errors.def \
	src/wire/frame.c src/wire/frame.h src/wire/messages.def \
	src/wire/notice.c src/wire/notice.h \
	src/wire/reader.c src/wire/reader.h \
	src/wire/startup.c src/wire/startup.h \
	src/wire/tag.c src/wire/tag.h \
	src/wire/track.c src/wire/track.h src/wire/track_table.h

# Writes the manual page of the errors from their table.
noinst_PROGRAMS += src/wire/errorgen
src_wire_errorgen_SOURCES = src/wire/errorgen.c
src_wire_errorgen_LDADD = src/wire/libwire.a src/base/libbase.a
