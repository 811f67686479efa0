# Fuzzers: tests/fuzz/fuzz_X.c is one LLVMFuzzerTestOneInput, tests/fuzz/X/ its corpus.
# A normal build links it with replay.c and runs the corpus in `make check`; a build with
# --enable-fuzzers CC=clang links libFuzzer, and `make fuzz` searches for FUZZ_SECONDS each.

FUZZERS_ALL =

FUZZERS_ALL += tests/fuzz/fuzz_ini
tests_fuzz_fuzz_ini_SOURCES = tests/fuzz/fuzz_ini.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ini_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_ini_LDADD = src/conf/libconf.a src/base/libbase.a $(INIH_LIBS) $(XXHASH_LIBS)
EXTRA_DIST += tests/fuzz/ini

SQL_FUZZ_LIBS = src/sql/libsql.a src/base/libbase.a $(XXHASH_LIBS)

FUZZERS_ALL += tests/fuzz/fuzz_sql_lex
tests_fuzz_fuzz_sql_lex_SOURCES = tests/fuzz/fuzz_sql_lex.c $(FUZZ_MAIN)
tests_fuzz_fuzz_sql_lex_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_sql_lex_LDADD = $(SQL_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/sql_lex

FUZZERS_ALL += tests/fuzz/fuzz_sql_norm
tests_fuzz_fuzz_sql_norm_SOURCES = tests/fuzz/fuzz_sql_norm.c $(FUZZ_MAIN)
tests_fuzz_fuzz_sql_norm_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_sql_norm_LDADD = $(SQL_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/sql_norm

AUTH_FUZZ_LIBS = src/auth/libauth.a src/net/libnet.a src/conf/libconf.a src/wire/libwire.a \
	src/base/libbase.a $(EVENT_LIBS) $(INIH_LIBS) $(XXHASH_LIBS) $(SSL_LIBS)

FUZZERS_ALL += tests/fuzz/fuzz_sql_effect
tests_fuzz_fuzz_sql_effect_SOURCES = tests/fuzz/fuzz_sql_effect.c $(FUZZ_MAIN)
tests_fuzz_fuzz_sql_effect_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_sql_effect_LDADD = $(SQL_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/sql_effect

FUZZERS_ALL += tests/fuzz/fuzz_userlist
tests_fuzz_fuzz_userlist_SOURCES = tests/fuzz/fuzz_userlist.c $(FUZZ_MAIN)
tests_fuzz_fuzz_userlist_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_userlist_LDADD = $(AUTH_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/userlist

FUZZERS_ALL += tests/fuzz/fuzz_sasl
tests_fuzz_fuzz_sasl_SOURCES = tests/fuzz/fuzz_sasl.c $(FUZZ_MAIN)
tests_fuzz_fuzz_sasl_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_sasl_LDADD = $(AUTH_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/sasl

FUZZERS_ALL += tests/fuzz/fuzz_hba
tests_fuzz_fuzz_hba_SOURCES = tests/fuzz/fuzz_hba.c $(FUZZ_MAIN)
tests_fuzz_fuzz_hba_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_hba_LDADD = $(AUTH_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/hba

FUZZERS_ALL += tests/fuzz/fuzz_ident
tests_fuzz_fuzz_ident_SOURCES = tests/fuzz/fuzz_ident.c $(FUZZ_MAIN)
tests_fuzz_fuzz_ident_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_ident_LDADD = $(AUTH_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/ident

FUZZERS_ALL += tests/fuzz/fuzz_proxyhead
tests_fuzz_fuzz_proxyhead_SOURCES = tests/fuzz/fuzz_proxyhead.c $(FUZZ_MAIN)
tests_fuzz_fuzz_proxyhead_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_proxyhead_LDADD = src/net/libnet.a src/base/libbase.a $(EVENT_LIBS) $(XXHASH_LIBS) $(SSL_LIBS)
EXTRA_DIST += tests/fuzz/proxyhead

WIRE_FUZZ_LIBS = src/wire/libwire.a src/base/libbase.a

FUZZERS_ALL += tests/fuzz/fuzz_startup
tests_fuzz_fuzz_startup_SOURCES = tests/fuzz/fuzz_startup.c $(FUZZ_MAIN)
tests_fuzz_fuzz_startup_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_startup_LDADD = $(WIRE_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/startup

FUZZERS_ALL += tests/fuzz/fuzz_frame
tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c $(FUZZ_MAIN)
tests_fuzz_fuzz_frame_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_frame_LDADD = $(WIRE_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/frame

FUZZERS_ALL += tests/fuzz/fuzz_track
tests_fuzz_fuzz_track_SOURCES = tests/fuzz/fuzz_track.c $(FUZZ_MAIN)
tests_fuzz_fuzz_track_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_track_LDADD = $(WIRE_FUZZ_LIBS)
EXTRA_DIST += tests/fuzz/track

if FUZZERS
FUZZ_MAIN =
FUZZ_LINK = $(OUR_LDFLAGS) -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/replay.c
FUZZ_LINK = $(OUR_LDFLAGS)
TESTS += $(FUZZERS_ALL)
endif

check_PROGRAMS += $(FUZZERS_ALL)
EXTRA_DIST += tests/fuzz/README.md

FUZZ_SECONDS = 60
FUZZ_TOP = $(abs_top_srcdir)

if FUZZERS
fuzz: $(FUZZERS_ALL)
	@for f in $(FUZZERS_ALL); do \
		name=$${f##*/fuzz_}; corpus=$(FUZZ_TOP)/tests/fuzz/$$name; \
		$(MKDIR_P) tests/fuzz/found/$$name; \
		echo "== $$name: $(FUZZ_SECONDS) s"; \
		./$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 \
			-print_final_stats=1 -artifact_prefix=$$corpus/ \
			tests/fuzz/found/$$name $$corpus \
			>tests/fuzz/found/$$name.log 2>&1 || { \
			tail -n 60 tests/fuzz/found/$$name.log; \
			echo "fuzz $$name: failed, the input is in $$corpus" >&2; exit 1; }; \
		grep -E 'number_of_executed_units|average_exec_per_sec|new_units_added' \
			tests/fuzz/found/$$name.log; \
	done
else
fuzz:
	@$(SUB_BUILD) fuzz --enable-fuzzers CC=clang && $(MAKE) $(AM_MAKEFLAGS) fuzz \
		FUZZ_SECONDS='$(FUZZ_SECONDS)' FUZZ_TOP='$(abs_top_srcdir)'
endif
