noinst_LIBRARIES += src/advisor/libadvisor.a
src_advisor_libadvisor_a_SOURCES = \
	src/advisor/lineout.c src/advisor/lineout.h \
	src/advisor/observer.c src/advisor/observer.h \
	src/advisor/slowlog.c src/advisor/slowlog.h \
	src/advisor/slowsql.c src/advisor/slowsql.h
