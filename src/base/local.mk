noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = \
	src/base/bug.c src/base/bug.h \
	src/base/buf.c src/base/buf.h \
	src/base/err.c src/base/err.h \
	src/base/filetext.c src/base/filetext.h \
	src/base/hist.c src/base/hist.h \
	src/base/list.h \
	src/base/log.c src/base/log.h \
	src/base/logsink.c src/base/logsink.h \
	src/base/map.c src/base/map.h \
	src/base/mem.c src/base/mem.h \
	src/base/slab.c src/base/slab.h \
	src/base/slice.c src/base/slice.h \
	src/base/thread.c src/base/thread.h \
	src/base/usec.c src/base/usec.h \
	src/base/vault.c src/base/vault.h \
	src/base/wheel.c src/base/wheel.h
