check_PROGRAMS += tests/unit/net/check_net
TESTS += tests/unit/net/check_net
tests_unit_net_check_net_SOURCES = \
	tests/unit/net/check_net.c tests/unit/net/check_net.h \
	tests/unit/net/ends.c tests/unit/net/ends.h \
	tests/unit/net/pki.c tests/unit/net/pki.h \
	tests/unit/net/test_addr.c \
	tests/unit/net/test_conn.c \
	tests/unit/net/test_conn_tls.c \
	tests/unit/net/test_listener.c \
	tests/unit/net/test_loop.c \
	tests/unit/net/test_mailbox.c \
	tests/unit/net/test_netblock.c \
	tests/unit/net/test_proxyhead.c \
	tests/unit/net/test_tls.c \
	tests/unit/net/test_tls_work.c
tests_unit_net_check_net_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
# test_listener.c looks at what is there when listen() is called, and whether chown() is
tests_unit_net_check_net_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=listen,--wrap=chown
tests_unit_net_check_net_LDADD = \
	$(WHOLE_BEGIN) src/net/libnet.a $(WHOLE_END) \
	src/base/libbase.a $(XXHASH_LIBS) $(EVENT_LIBS) $(SSL_LIBS) $(CHECK_LIBS)
tests_unit_net_check_net_DEPENDENCIES = src/net/libnet.a src/base/libbase.a
