# The manual. Its chapter on settings comes from the table that the program reads by.

dist_man_MANS += man/pgweir.1
nodist_man_MANS += man/pgweir.ini.5
EXTRA_DIST += man/pgweir.ini.5.in
CLEANFILES += man/pgweir.ini.5

man/pgweir.ini.5: man/pgweir.ini.5.in src/conf/confgen$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && \
		src/conf/confgen$(EXEEXT) man <$(srcdir)/man/pgweir.ini.5.in >$@.new && mv $@.new $@
