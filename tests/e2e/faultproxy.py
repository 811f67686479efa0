"""A proxy that does to a connection what networks do: delays it, chops it, stops it, cuts it."""

import selectors
import socket
import threading
import time

from cluster import free_port


READY = b"Z\0\0\0\5I"


class Link:
    """One connection through the proxy. Bytes from the client go `up`, from the server `down`."""

    def __init__(self, client, server):
        self.client = client
        self.server = server
        self.up_bytes = 0
        self.down_bytes = 0
        self.cut_after_up = None

    def cut(self):
        """End both sides at once, with resets."""
        for sock in (self.client, self.server):
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()


class FaultProxy:
    """Listens on .port and forwards to `target`. The attributes may be changed at any time."""

    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self.bytewise = False
        self.delay = 0.0
        self.hold_up = threading.Event()
        self.hold_down = threading.Event()
        self.hold_query = None  # simple queries that begin so wait until it is None again
        self.holds_query = False  # one has been held
        self.hold_reply = None  # what a server says from a command tag of this on waits until it is None again
        self.hold_ready = None  # ReadyForQuery behind what has these bytes waits until it is None again
        self.replaces = None  # (these bytes of a client's, by as many others), once
        self.refuse = False
        self.refused = 0
        self.links = []
        self.stopping = False
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.listener.settimeout(0.1)
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self):
        while not self.stopping:
            try:
                client, _ = self.listener.accept()
            except socket.timeout:
                continue
            except OSError:
                return
            if self.refuse:
                client.close()
                self.refused += 1
                continue
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(client, server)
            self.links.append(link)
            for args in ((link, client, server, True), (link, server, client, False)):
                thread = threading.Thread(target=self._pump, args=args, daemon=True)
                self.threads.append(thread)
                thread.start()

    def _held(self, up, data=b""):
        begins = self.hold_query
        return ((self.hold_up if up else self.hold_down).is_set()
                or bool(up and begins and data[5:].startswith(begins)))

    def _is_held_at(self, data):
        """Where the CommandComplete begins that hold_reply waits at, or the ReadyForQuery of hold_ready; -1: nowhere."""
        tag, mark = self.hold_reply, self.hold_ready
        if mark and (mark in data or data.startswith(READY)):
            return data.find(READY, max(data.find(mark), 0))
        return data.find(b"C" + (len(tag) + 5).to_bytes(4, "big") + tag + b"\0") if tag else -1

    def _pump(self, link, source, target, up):
        try:
            with selectors.DefaultSelector() as ready:
                ready.register(source, selectors.EVENT_READ)
                while not self.stopping:
                    if self._held(up):
                        time.sleep(0.01)
                        continue
                    if not ready.select(0.1):
                        continue
                    data = source.recv(1 << 16)
                    if not data:
                        break
                    while self._held(up, data) and not self.stopping:
                        self.holds_query = True
                        time.sleep(0.01)
                    if up and self.replaces and self.replaces[0] in data:
                        data = data.replace(*self.replaces, 1)
                        self.replaces = None
                    if not up and self._is_held_at(data) > 0:
                        at = self._is_held_at(data)
                        self._forward(link, target, data[:at], up)
                        data = data[at:]
                    while not up and self._is_held_at(data) >= 0 and not self.stopping:
                        time.sleep(0.01)
                    self._forward(link, target, data, up)
        except (OSError, ValueError):
            pass
        finally:
            try:
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def _forward(self, link, target, data, up):
        if self.delay:
            time.sleep(self.delay)
        if up and link.cut_after_up is not None and link.up_bytes + len(data) >= link.cut_after_up:
            target.sendall(data[:link.cut_after_up - link.up_bytes])
            link.cut()
            return
        if self.bytewise:
            for i in range(len(data)):
                target.sendall(data[i:i + 1])
        else:
            target.sendall(data)
        if up:
            link.up_bytes += len(data)
        else:
            link.down_bytes += len(data)

    def cut(self):
        """Cut all connections."""
        for link in self.links:
            link.cut()
        self.links.clear()

    def close(self):
        self.stopping = True
        self.listener.close()
        self.cut()
