check_PROGRAMS += tests/unit/admin/check_admin
TESTS += tests/unit/admin/check_admin
tests_unit_admin_check_admin_SOURCES = \
	tests/unit/admin/check_admin.c tests/unit/admin/check_admin.h \
	tests/unit/admin/proxyfake.c tests/unit/admin/proxyfake.h \
	tests/unit/admin/rig.c tests/unit/admin/rig.h \
	tests/unit/admin/said.c \
	tests/unit/admin/test_averages.c \
	tests/unit/admin/test_console.c \
	tests/unit/admin/test_desk.c \
	tests/unit/admin/test_manual.c \
	tests/unit/admin/test_order.c \
	tests/unit/admin/test_sheet.c \
	tests/unit/admin/test_show.c \
	tests/unit/admin/test_talk.c
tests_unit_admin_check_admin_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_admin_check_admin_LDADD = \
	$(WHOLE_BEGIN) src/admin/libadmin.a $(WHOLE_END) \
	src/proxy/libproxy.a src/auth/libauth.a src/net/libnet.a src/conf/libconf.a \
	src/tap/libtap.a src/pool/libpool.a src/sql/libsql.a src/wire/libwire.a \
	src/base/libbase.a \
	$(PQ_LIBS) $(EVENT_LIBS) $(SSL_LIBS) $(INIH_LIBS) $(XXHASH_LIBS) $(CHECK_LIBS)
tests_unit_admin_check_admin_DEPENDENCIES = src/admin/libadmin.a \
	src/proxy/libproxy.a src/auth/libauth.a src/net/libnet.a src/conf/libconf.a \
	src/tap/libtap.a src/pool/libpool.a src/sql/libsql.a src/wire/libwire.a \
	src/base/libbase.a
