check_PROGRAMS += tests/unit/proxy/check_proxy
TESTS += tests/unit/proxy/check_proxy
tests_unit_proxy_check_proxy_SOURCES = \
	tests/unit/proxy/check_proxy.c tests/unit/proxy/check_proxy.h \
	tests/unit/proxy/cluster.c \
	tests/unit/proxy/login_rig.c tests/unit/proxy/login_rig.h \
	tests/unit/proxy/test_canceler.c \
	tests/unit/proxy/test_connector.c \
	tests/unit/proxy/test_connector_md5.c \
	tests/unit/proxy/test_connector_steps.c \
	tests/unit/proxy/test_connector_text.c \
	tests/unit/proxy/test_doorkeeper.c \
	tests/unit/proxy/test_helper.c \
	tests/unit/proxy/test_hidden.c \
	tests/unit/proxy/test_hub.c \
	tests/unit/proxy/mallocs.c tests/unit/proxy/mallocs.h \
	tests/unit/proxy/test_journal.c \
	tests/unit/proxy/test_journal_texts.c \
	tests/unit/proxy/test_localpool.c \
	tests/unit/proxy/test_login_rule.c \
	tests/unit/proxy/test_note.c \
	tests/unit/proxy/test_paramset.c \
	tests/unit/proxy/test_proven.c \
	tests/unit/proxy/test_registry.c \
	tests/unit/proxy/test_replication.c \
	tests/unit/proxy/test_reset.c \
	tests/unit/proxy/test_seam.c \
	tests/unit/proxy/test_retry.c \
	tests/unit/proxy/test_shape.c \
	tests/unit/proxy/test_sizes.c \
	tests/unit/proxy/test_startparams.c \
	tests/unit/proxy/test_stmt.c
tests_unit_proxy_check_proxy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
# mallocs.c counts what the code that is tested asks for
tests_unit_proxy_check_proxy_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
tests_unit_proxy_check_proxy_LDADD = \
	$(WHOLE_BEGIN) src/proxy/libproxy.a $(WHOLE_END) \
	src/auth/libauth.a src/net/libnet.a src/conf/libconf.a src/tap/libtap.a \
	src/pool/libpool.a src/sql/libsql.a src/wire/libwire.a src/base/libbase.a \
	$(PQ_LIBS) $(EVENT_LIBS) $(SSL_LIBS) $(INIH_LIBS) $(XXHASH_LIBS) $(CHECK_LIBS)
tests_unit_proxy_check_proxy_DEPENDENCIES = src/proxy/libproxy.a \
	src/auth/libauth.a src/net/libnet.a src/conf/libconf.a src/tap/libtap.a \
	src/pool/libpool.a src/sql/libsql.a src/wire/libwire.a src/base/libbase.a
