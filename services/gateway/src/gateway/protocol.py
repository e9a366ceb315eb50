"""uvicorn's HTTP protocol (0.54.0, pinned), with a way to cut a connection whose client has stopped reading."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ABORT = "colloquy.abort"
"""In `scope["extensions"]`: a function without arguments that ends the connection at once, dropping what is unsent."""


class AbortableProtocol(HttpToolsProtocol):
    """uvicorn itself waits without limit for a client to take what was written (F17)."""

    def on_message_begin(self) -> None:
        """A request begins: its scope gets the abort function."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: self.transport.abort}  # pyright: ignore[reportGeneralTypeIssues, reportArgumentType]
