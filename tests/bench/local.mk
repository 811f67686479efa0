# What pgweir costs, beside others (tests/bench/README.md).
#
#	make bench          all scenarios, some twenty minutes
#	make bench-quick    the main ones, within two minutes
#	make bench BENCH='-k stream --repeats 5'
#	make hotpath-write  what a query costs now becomes what it may cost

BENCH_LIBS = src/auth/libauth.a src/wire/libwire.a src/base/libbase.a $(XXHASH_LIBS) $(SSL_LIBS)
BENCH_TOOLS = tests/bench/stubserver tests/bench/loadgen tests/bench/floor

check_PROGRAMS += $(BENCH_TOOLS)
tests_bench_stubserver_SOURCES = \
	tests/bench/stubserver.c \
	tests/bench/stubreply.c tests/bench/stubreply.h
tests_bench_stubserver_LDADD = $(BENCH_LIBS)
tests_bench_loadgen_SOURCES = \
	tests/bench/loadgen.c \
	tests/bench/loadconn.c tests/bench/loadconn.h \
	tests/bench/loadlink.c tests/bench/loadlink.h \
	tests/bench/loadreport.c tests/bench/loadreport.h
tests_bench_loadgen_LDADD = $(BENCH_LIBS)
tests_bench_floor_SOURCES = tests/bench/floor.c
tests_bench_floor_LDADD = src/base/libbase.a

dist_check_SCRIPTS += tests/bench/hotpath.sh tests/bench/test_bench.sh
TESTS += tests/bench/hotpath.sh tests/bench/test_bench.sh

EXTRA_DIST += \
	tests/bench/README.md \
	tests/bench/bench.py \
	tests/bench/benchload.py \
	tests/bench/benchreport.py \
	tests/bench/benchtarget.py \
	tests/bench/hotpath.expected \
	tests/bench/hotpath.py \
	tests/bench/test_bench.py

BENCH =
RUN_BENCH = $(TEST_PYTHON) -B $(srcdir)/tests/bench/bench.py --build . --results tests/bench/results

bench: pgweir $(BENCH_TOOLS)
	$(RUN_BENCH) $(BENCH)
bench-quick: pgweir $(BENCH_TOOLS)
	$(RUN_BENCH) --quick $(BENCH)

# What a query costs now is what it may cost.
hotpath-write: pgweir $(BENCH_TOOLS)
	TOP_BUILDDIR='$(abs_top_builddir)' $(TEST_PYTHON) -B $(srcdir)/tests/bench/hotpath.py --write
.PHONY: bench bench-quick hotpath-write
