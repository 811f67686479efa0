noinst_LIBRARIES += src/tap/libtap.a
src_tap_libtap_a_SOURCES =
