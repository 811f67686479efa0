noinst_LIBRARIES += src/tap/libtap.a
src_tap_libtap_a_SOURCES = \
	src/tap/record.c src/tap/record.h \
	src/tap/ring.c src/tap/ring.h \
	src/tap/texts.c src/tap/texts.h
