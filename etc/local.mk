# The sample configuration, which the service starts with. What is there already is the
# administrator's and stays.

EXTRA_DIST += etc/userlist.txt
noinst_DATA = etc/pgweir.ini
CLEANFILES += etc/pgweir.ini

etc/pgweir.ini: src/conf/confgen$(EXEEXT) Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && \
		src/conf/confgen$(EXEEXT) sample '$(pkgsysconfdir)' /run/pgweir >$@.new && mv $@.new $@

install-data-hook:
	$(MKDIR_P) '$(DESTDIR)$(pkgsysconfdir)'
	@test -f '$(DESTDIR)$(pkgsysconfdir)/pgweir.ini' || { \
		echo "installing $(pkgsysconfdir)/pgweir.ini"; \
		$(INSTALL_DATA) etc/pgweir.ini '$(DESTDIR)$(pkgsysconfdir)/pgweir.ini'; }
	@test -f '$(DESTDIR)$(pkgsysconfdir)/userlist.txt' || { \
		echo "installing $(pkgsysconfdir)/userlist.txt"; \
		$(INSTALL) -m 640 $(srcdir)/etc/userlist.txt '$(DESTDIR)$(pkgsysconfdir)/userlist.txt'; }

# As packages do: what was not changed goes, what was stays.
uninstall-hook:
	@cmp -s etc/pgweir.ini '$(DESTDIR)$(pkgsysconfdir)/pgweir.ini' && \
		rm -f '$(DESTDIR)$(pkgsysconfdir)/pgweir.ini' || :
	@cmp -s $(srcdir)/etc/userlist.txt '$(DESTDIR)$(pkgsysconfdir)/userlist.txt' && \
		rm -f '$(DESTDIR)$(pkgsysconfdir)/userlist.txt' || :
