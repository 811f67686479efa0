noinst_LIBRARIES += src/sql/libsql.a
src_sql_libsql_a_SOURCES = \
	src/sql/fingerprint.c src/sql/fingerprint.h \
	src/sql/lexer.c src/sql/lexer.h \
	src/sql/norm.c src/sql/norm.h \
	src/sql/normlist.c src/sql/normlist.h \
	src/sql/split.c src/sql/split.h \
	src/sql/words.c src/sql/words.h
