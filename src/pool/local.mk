noinst_LIBRARIES += src/pool/libpool.a
src_pool_libpool_a_SOURCES = \
	src/pool/permits.h \
	src/pool/pool.h \
	src/pool/pool_cap.h \
	src/pool/pool_order.h \
	src/pool/pool_shared.h
