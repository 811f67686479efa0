noinst_LIBRARIES += src/pool/libpool.a
src_pool_libpool_a_SOURCES = \
	src/pool/balance.c src/pool/balance.h \
	src/pool/permits.c src/pool/permits.h \
	src/pool/pool.c src/pool/pool.h \
	src/pool/pool_cap.c src/pool/pool_cap.h \
	src/pool/pool_member.c \
	src/pool/pool_open.c \
	src/pool/pool_order.c src/pool/pool_order.h \
	src/pool/pool_parts.h \
	src/pool/pool_queue.c \
	src/pool/pool_settle.c \
	src/pool/pool_shared.c src/pool/pool_shared.h
