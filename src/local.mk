bin_PROGRAMS += pgweir
pgweir_SOURCES = \
	src/main.c \
	src/daemon.c src/daemon.h \
	src/notify.c src/notify.h \
	src/options.c src/options.h \
	src/sigmail.c src/sigmail.h
pgweir_LDADD = \
	src/admin/libadmin.a src/proxy/libproxy.a src/auth/libauth.a src/advisor/libadvisor.a \
	src/net/libnet.a src/conf/libconf.a src/tap/libtap.a src/pool/libpool.a src/sql/libsql.a \
	src/wire/libwire.a src/base/libbase.a \
	$(EVENT_LIBS) $(PQ_LIBS) $(SSL_LIBS) $(INIH_LIBS) $(XXHASH_LIBS) $(SYSTEMD_LIBS) -lm
