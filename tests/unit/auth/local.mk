check_PROGRAMS += tests/unit/auth/check_auth
TESTS += tests/unit/auth/check_auth
tests_unit_auth_check_auth_SOURCES = \
	tests/unit/auth/check_auth.c tests/unit/auth/check_auth.h \
	tests/unit/auth/peer.c \
	tests/unit/auth/test_entropy.c \
	tests/unit/auth/test_auth.c \
	tests/unit/auth/test_authcache.c \
	tests/unit/auth/test_authrow.c \
	tests/unit/auth/test_authtries.c \
	tests/unit/auth/test_base64.c \
	tests/unit/auth/test_hba.c \
	tests/unit/auth/test_ident.c \
	tests/unit/auth/test_judge.c \
	tests/unit/auth/test_ldapopts.c \
	tests/unit/auth/test_md5.c \
	tests/unit/auth/test_namepat.c \
	tests/unit/auth/test_saslprep.c \
	tests/unit/auth/test_scram.c \
	tests/unit/auth/test_scram_client.c \
	tests/unit/auth/test_scram_server.c \
	tests/unit/auth/test_secret.c \
	tests/unit/auth/test_userlist.c
tests_unit_auth_check_auth_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_auth_check_auth_LDADD = \
	$(WHOLE_BEGIN) src/auth/libauth.a $(WHOLE_END) \
	src/net/libnet.a src/conf/libconf.a src/wire/libwire.a src/base/libbase.a \
	$(EVENT_LIBS) $(SSL_LIBS) $(INIH_LIBS) $(XXHASH_LIBS) $(CHECK_LIBS)
tests_unit_auth_check_auth_DEPENDENCIES = \
	src/auth/libauth.a src/net/libnet.a src/conf/libconf.a \
	src/wire/libwire.a src/base/libbase.a
