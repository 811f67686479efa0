noinst_LIBRARIES += src/sql/libsql.a
src_sql_libsql_a_SOURCES = \
	src/sql/block.c src/sql/block.h \
	src/sql/calls.c src/sql/calls.def src/sql/calls.h \
	src/sql/defaults.c src/sql/defaults.h \
	src/sql/effect.c src/sql/effect.h src/sql/effect_parts.h \
	src/sql/effect_call.c src/sql/effect_query.c \
	src/sql/effect_set.c src/sql/effect_word.c \
	src/sql/fingerprint.c src/sql/fingerprint.h \
	src/sql/letters.c src/sql/letters.h \
	src/sql/lexer.c src/sql/lexer.h \
	src/sql/literal.c src/sql/literal.h \
	src/sql/mention.c src/sql/mention.h \
	src/sql/naming.c src/sql/naming.h \
	src/sql/norm.c src/sql/norm.h \
	src/sql/normlist.c src/sql/normlist.h \
	src/sql/plain.c src/sql/plain.h \
	src/sql/skim.c src/sql/skim.h \
	src/sql/split.c src/sql/split.h \
	src/sql/vacant.c src/sql/vacant.h \
	src/sql/words.c src/sql/words.h
