noinst_LIBRARIES += src/admin/libadmin.a
src_admin_libadmin_a_SOURCES = \
	src/admin/admin.c src/admin/console.h src/admin/inner.h \
	src/admin/answer.c src/admin/answer.h \
	src/admin/averages.c src/admin/averages.h \
	src/admin/desk.c src/admin/desk.h \
	src/admin/manual.c src/admin/manual.h \
	src/admin/order.c src/admin/order.h src/admin/orders.def \
	src/admin/request.c src/admin/request.h \
	src/admin/session.c src/admin/session.h \
	src/admin/sheet.c src/admin/sheet.h src/admin/sheets.def \
	src/admin/show.c src/admin/show.h src/admin/show_rows.h \
	src/admin/show_traffic.c src/admin/show_traffic.h \
	src/admin/talk.c src/admin/talk.h \
	src/admin/talk_extended.c src/admin/talk_extended.h \
	src/admin/talk_order.c src/admin/talk_order.h

# Writes the manual's chapter on the console from the tables.
noinst_PROGRAMS += src/admin/admingen
src_admin_admingen_SOURCES = src/admin/admingen.c
src_admin_admingen_LDADD = $(pgweir_LDADD)
