bin_PROGRAMS += pgweir
pgweir_SOURCES = src/main.c
