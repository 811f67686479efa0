check_PROGRAMS += tests/sim/sim_pool
TESTS += tests/sim/sim_pool
tests_sim_sim_pool_SOURCES = \
	tests/sim/sim_chaos.c \
	tests/sim/sim_check.c \
	tests/sim/sim_event.c \
	tests/sim/sim_pool.c \
	tests/sim/sim_world.c tests/sim/sim_world.h
tests_sim_sim_pool_LDADD = src/pool/libpool.a src/base/libbase.a
