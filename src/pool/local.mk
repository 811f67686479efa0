noinst_LIBRARIES += src/pool/libpool.a
src_pool_libpool_a_SOURCES =
