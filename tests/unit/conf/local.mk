check_PROGRAMS += tests/unit/conf/check_conf
TESTS += tests/unit/conf/check_conf
tests_unit_conf_check_conf_SOURCES = \
	tests/unit/conf/check_conf.c tests/unit/conf/check_conf.h \
	tests/unit/conf/test_conf.c \
	tests/unit/conf/test_conninfo.c \
	tests/unit/conf/test_credential.c \
	tests/unit/conf/test_inifile.c \
	tests/unit/conf/test_protocols.c \
	tests/unit/conf/test_share.c \
	tests/unit/conf/test_setting.c \
	tests/unit/conf/test_value.c
tests_unit_conf_check_conf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_conf_check_conf_LDADD = \
	$(WHOLE_BEGIN) src/conf/libconf.a $(WHOLE_END) src/base/libbase.a \
	$(INIH_LIBS) $(XXHASH_LIBS) $(CHECK_LIBS)
tests_unit_conf_check_conf_DEPENDENCIES = src/conf/libconf.a src/base/libbase.a src/conf/confgen$(EXEEXT)
