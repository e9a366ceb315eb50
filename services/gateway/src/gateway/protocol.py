"""uvicorn's HTTP protocol (0.54.0, pinned), with a way to cut a connection whose client has stopped reading."""

import socket
import struct

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ABORT = "colloquy.abort"
"""In `scope["extensions"]`: a function without arguments that ends the connection at once, dropping what is unsent."""

_NO_LINGER = struct.pack("ii", 1, 0)


class AbortableProtocol(HttpToolsProtocol):
    """uvicorn itself waits without limit for a client to take what was written (F17)."""

    def on_message_begin(self) -> None:
        """A request begins: its scope gets the abort function."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: self.abort}  # pyright: ignore[reportGeneralTypeIssues, reportArgumentType]

    def abort(self) -> None:
        """Resets the connection. Without a reset the kernel would keep what it holds for as long as the client takes it."""
        sock: socket.socket | None = self.transport.get_extra_info("socket")
        if sock is not None and not self.transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()
