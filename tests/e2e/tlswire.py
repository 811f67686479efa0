"""The raw client under TLS, after an SSLRequest or directly."""

import socket
import ssl

import rawwire


def client_context(authority=None, pair=None, alpn=("postgresql",), version=None):
    """Verifies the pooler by `authority`, or not at all; shows the certificate of `pair`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = authority is not None
    context.verify_mode = ssl.CERT_REQUIRED if authority else ssl.CERT_NONE
    if authority:
        context.load_verify_locations(authority.cert)
    if pair:
        context.load_cert_chain(pair.cert, pair.key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if version:
        context.minimum_version = context.maximum_version = version
    return context


class TlsClient(rawwire.Client):
    """rawwire.Client whose bytes go through TLS."""

    def __init__(self, address, context=None, direct=False, session=None, split=0, receive_buffer=None):
        super().__init__(address, split, receive_buffer)
        if not direct:
            self.send(rawwire.ssl_request())
            answer = self.byte()
            if answer != b"S":
                raise rawwire.Gone(f"the answer to SSLRequest is {answer!r}")
        self.sock = (context or client_context()).wrap_socket(self.sock, server_hostname="localhost", session=session)

    def _fill(self, end):
        try:
            super()._fill(end)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise rawwire.Gone("closed by peer") from None


def hello(context=None):
    """The bytes of a ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    conn = (context or client_context()).wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        conn.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def is_closed(sock):
    """Does the peer say no more? Waits for it."""
    try:
        while sock.recv(4096):
            pass
    except socket.timeout:
        return False
    except OSError:
        pass
    return True
