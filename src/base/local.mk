noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = \
	src/base/bug.c src/base/bug.h \
	src/base/buf.c src/base/buf.h \
	src/base/err.c src/base/err.h \
	src/base/list.h \
	src/base/mem.c src/base/mem.h \
	src/base/slice.c src/base/slice.h \
	src/base/usec.c src/base/usec.h
