# The service, its user and its directory.

pkgsysconfdir = $(sysconfdir)/pgweir

systemdsystemunit_DATA = systemd/pgweir.service
noinst_DATA += systemd/tmpfiles.conf
EXTRA_DIST += systemd/pgweir.service.in systemd/sysusers.conf systemd/tmpfiles.conf.in
CLEANFILES += systemd/pgweir.service systemd/tmpfiles.conf

SYSTEMD_SUBST = $(SED) -e 's|@bindir[@]|$(bindir)|g' -e 's|@pkgsysconfdir[@]|$(pkgsysconfdir)|g'

systemd/pgweir.service: systemd/pgweir.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
		$(SYSTEMD_SUBST) $(srcdir)/systemd/pgweir.service.in >$@.new && mv $@.new $@

systemd/tmpfiles.conf: systemd/tmpfiles.conf.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
		$(SYSTEMD_SUBST) $(srcdir)/systemd/tmpfiles.conf.in >$@.new && mv $@.new $@

install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL_DATA) $(srcdir)/systemd/sysusers.conf '$(DESTDIR)$(sysusersdir)/pgweir.conf'
	$(INSTALL_DATA) systemd/tmpfiles.conf '$(DESTDIR)$(tmpfilesdir)/pgweir.conf'

uninstall-local:
	rm -f '$(DESTDIR)$(sysusersdir)/pgweir.conf' '$(DESTDIR)$(tmpfilesdir)/pgweir.conf'
