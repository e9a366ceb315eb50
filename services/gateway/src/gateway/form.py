"""A multipart form as it comes: one file, handed on piece by piece, and a few short fields beside it (S12)."""

from collections.abc import Callable
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gateway.faults import BadRequest
from shared.errors import TooLarge

MAX_PARTS: Final = 16
MAX_FIELD_BYTES: Final = 4 * 1024
FILE: Final = "file"


class BadForm(BadRequest):
    """This is not a form with one file in it."""

    code, status = "bad_form", 400


class Form:
    """Reads the pieces of a body. The bytes of the part `file` are returned, other parts become `fields`."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise BadForm
        self.fields: dict[str, list[str]] = {}
        self.files = 0
        self.whole = False
        self._parts = 0
        self._header = self._value = b""
        self._name = ""
        self._field = bytearray()
        self._file: list[bytes] = []
        self._parser = _parser(options[b"boundary"], self)

    def feed(self, data: bytes) -> bytes:
        """What of the file is in the next piece. Raises BadForm, TooLarge."""
        try:
            self._parser.write(data)
        except (FormParserError, UnicodeDecodeError):
            raise BadForm from None
        file, self._file = b"".join(self._file), []
        return file

    def field(self, name: str) -> str | None:
        """The first field of this name."""
        values = self.fields.get(name)
        return values[0] if values else None

    # --- what the parser calls -------------------------------------------------------------------------------------------

    def on_part_begin(self) -> None:
        """Another part."""
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise BadForm(f"A form may have {MAX_PARTS} parts.")
        self._name = ""
        self._field.clear()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        """More of a header's name."""
        self._header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        """More of its value."""
        self._value += data[start:end]

    def on_header_end(self) -> None:
        """A header is complete."""
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = options.get(b"name", b"").decode("utf-8", "replace")[:64]
        self._header = self._value = b""

    def on_headers_finished(self) -> None:
        """The part's bytes begin. A second file is refused: which one was meant?"""
        if self._name == FILE:
            self.files += 1
            if self.files > 1:
                raise BadForm

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """More of a part."""
        if self._name == FILE:
            self._file.append(bytes(data[start:end]))
            return
        self._field += data[start:end]
        if len(self._field) > MAX_FIELD_BYTES:
            raise TooLarge("A field of the form is too long.", limit=MAX_FIELD_BYTES)

    def on_part_end(self) -> None:
        """A part is complete."""
        if self._name != FILE:
            self.fields.setdefault(self._name, []).append(self._field.decode("utf-8", "replace"))

    def on_end(self) -> None:
        """The form is complete."""
        self.whole = True


def _parser(boundary: bytes, form: Form) -> MultipartParser:
    names = (
        *("on_part_begin", "on_part_data", "on_part_end", "on_header_field", "on_header_value"),
        *("on_header_end", "on_headers_finished", "on_end"),
    )
    callbacks: dict[str, Callable[..., None]] = {name: getattr(form, name) for name in names}
    return MultipartParser(boundary, callbacks)  # pyright: ignore[reportArgumentType] - a TypedDict of the same
