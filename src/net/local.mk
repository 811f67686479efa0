noinst_LIBRARIES += src/net/libnet.a
src_net_libnet_a_SOURCES = \
	src/net/addr.c src/net/addr.h \
	src/net/conn.c src/net/conn.h src/net/conn_parts.h \
	src/net/conn_send.c \
	src/net/listener.c src/net/listener.h \
	src/net/loop.c src/net/loop.h \
	src/net/mailbox.c src/net/mailbox.h \
	src/net/netblock.c src/net/netblock.h \
	src/net/netset.c src/net/netset.h \
	src/net/proxyhead.c src/net/proxyhead.h \
	src/net/sock.c src/net/sock.h \
	src/net/tls.c src/net/tls.h \
	src/net/tls_accept.c src/net/tls_accept.h \
	src/net/tls_context.c src/net/tls_context.h \
	src/net/tls_peer.c src/net/tls_peer.h \
	src/net/tls_ticket.c src/net/tls_ticket.h \
	src/net/tls_twin.c src/net/tls_twin.h \
	src/net/tls_work.c src/net/tls_work.h
