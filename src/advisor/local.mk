noinst_LIBRARIES += src/advisor/libadvisor.a
src_advisor_libadvisor_a_SOURCES =
