check_PROGRAMS += tests/unit/pool/check_pool
TESTS += tests/unit/pool/check_pool
tests_unit_pool_check_pool_SOURCES = \
	tests/unit/pool/check_pool.c tests/unit/pool/check_pool.h \
	tests/unit/pool/rig.c tests/unit/pool/rig.h \
	tests/unit/pool/test_balance.c \
	tests/unit/pool/test_permits.c \
	tests/unit/pool/test_pool.c \
	tests/unit/pool/test_pool_age.c \
	tests/unit/pool/test_pool_cap.c \
	tests/unit/pool/test_pool_operator.c \
	tests/unit/pool/test_pool_order.c \
	tests/unit/pool/test_pool_threads.c \
	tests/unit/pool/test_pool_workers.c
tests_unit_pool_check_pool_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_pool_check_pool_LDADD = \
	$(WHOLE_BEGIN) src/pool/libpool.a $(WHOLE_END) src/base/libbase.a \
	$(CHECK_LIBS)
tests_unit_pool_check_pool_DEPENDENCIES = src/pool/libpool.a src/base/libbase.a
