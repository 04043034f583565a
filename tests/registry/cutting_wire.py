"""A wire to a server that is cut, once for each number of bytes that it was given."""

import contextlib
import socket
import threading


class CuttingWire:
    """A context manager; ``host`` leads to ``target``. ``cuts`` count bytes towards the server."""

    def __init__(self, target, cuts=(), back=()):
        self._target = (target.partition(":")[0], int(target.rpartition(":")[2]))
        self.cuts, self.back = list(cuts), list(back)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._socket.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near):
        with near, socket.create_connection(self._target) as far:
            back = threading.Thread(target=self._carry, args=(far, near, self.back), daemon=True)
            back.start()
            self._carry(near, far, self.cuts)
            back.join()

    def _carry(self, source, sink, cuts):
        passed = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                passed += len(piece)
                if cuts and passed > cuts[0]:
                    cuts.pop(0)
                    break
                sink.sendall(piece)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
