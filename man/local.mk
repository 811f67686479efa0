# The manual. Its chapters on settings, commands, errors and what keeps servers come from the tables that the program
# works by.

dist_man_MANS += man/pgweir.1
nodist_man_MANS += man/pgweir.ini.5
EXTRA_DIST += man/pgweir.ini.5.in
CLEANFILES += man/pgweir.ini.5

man/pgweir.ini.5: man/pgweir.ini.5.in src/conf/confgen$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && \
		src/conf/confgen$(EXEEXT) man <$(srcdir)/man/pgweir.ini.5.in >$@.new && mv $@.new $@

nodist_man_MANS += man/pgweir-errors.7
CLEANFILES += man/pgweir-errors.7

man/pgweir-errors.7: src/wire/errorgen$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && src/wire/errorgen$(EXEEXT) >$@.new && mv $@.new $@

nodist_man_MANS += man/pgweir-console.7 man/pgweir-modes.7
EXTRA_DIST += man/pgweir-console.7.in man/pgweir-modes.7.in
CLEANFILES += man/pgweir-console.7 man/pgweir-modes.7

man/pgweir-console.7: man/pgweir-console.7.in src/admin/admingen$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && \
		src/admin/admingen$(EXEEXT) <$(srcdir)/man/pgweir-console.7.in >$@.new && mv $@.new $@

man/pgweir-modes.7: man/pgweir-modes.7.in src/admin/admingen$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) man && \
		src/admin/admingen$(EXEEXT) <$(srcdir)/man/pgweir-modes.7.in >$@.new && mv $@.new $@
