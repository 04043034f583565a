"""Listening sockets that share a port: one gets every connection, the next is ready to take over.

Sockets with SO_REUSEPORT at one address form a group, over which Linux spreads the connections by
a hash, or as a filter says (socket(7), SO_ATTACH_REUSEPORT_CBPF). The filter here always says: the
first. When that is closed, by a kill too, the kernel puts the last of the group in its place, so
that the connection after it goes to another process at once. One that joins a group comes last: it
gets nothing before it is needed.
"""

from __future__ import annotations

import ctypes
import socket
import struct

from sealift.errors import MachineError
from sealift.loopback import HOST

_ATTACH = 51  # SO_ATTACH_REUSEPORT_CBPF, asm-generic/socket.h
_RETURN_0 = struct.pack("@HBBI", 0x06, 0, 0, 0)  # BPF_RET | BPF_K with k = 0, linux/filter.h
_BACKLOG = 4096


def listener(port: int) -> socket.socket:
    """A socket that listens on the loopback interface, last in line; 0 for a free port.

    Raises ``MachineError`` when another program has the port, or the kernel cannot do this.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    program = ctypes.create_string_buffer(_RETURN_0)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((HOST, port))
        made.listen(_BACKLOG)
        pointer = struct.pack("@HP", 1, ctypes.addressof(program))
        made.setsockopt(socket.SOL_SOCKET, _ATTACH, pointer)
    except OSError as error:
        made.close()
        raise MachineError(
            f"The router cannot listen: {error.strerror}.",
            where=f"{HOST}:{port}",
            remedy="Linux 4.5 or later is needed, and a port that no other program has.",
        ) from error
    return made


__all__ = ["listener"]
