noinst_LIBRARIES += src/conf/libconf.a
src_conf_libconf_a_SOURCES = \
	src/conf/conf.c src/conf/conf.h \
	src/conf/confbuild.c src/conf/confbuild.h \
	src/conf/confmem.c src/conf/confmem.h \
	src/conf/conninfo.c src/conf/conninfo.h \
	src/conf/credential.c src/conf/credential.h \
	src/conf/faults.c src/conf/faults.h \
	src/conf/inifile.c src/conf/inifile.h \
	src/conf/protocols.c src/conf/protocols.h \
	src/conf/share.c src/conf/share.h \
	src/conf/setting.c src/conf/setting.h \
	src/conf/settings.def \
	src/conf/value.c src/conf/value.h

# Writes the sample and the manual's settings from the table.
noinst_PROGRAMS += src/conf/confgen
src_conf_confgen_SOURCES = src/conf/confgen.c
src_conf_confgen_LDADD = src/conf/libconf.a src/base/libbase.a $(INIH_LIBS) $(XXHASH_LIBS)
