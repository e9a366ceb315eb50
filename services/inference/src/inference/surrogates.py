"""Joins characters that a server cut in two: half a surrogate pair at the end of one chunk, half at the start of the next."""


class Surrogates:
    """The pieces of one text, each made valid Unicode; what can't be joined becomes U+FFFD."""

    def __init__(self) -> None:
        self._half = ""

    def join(self, text: str) -> str:
        """This piece, with the half that was waiting, without the half that waits for the next one."""
        if not self._half and (text.isascii() or _is_valid(text)):
            return text
        text, self._half = self._half + text, ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def rest(self) -> str:
        """What still waits when the text is at its end."""
        half, self._half = self._half, ""
        return "\ufffd" if half else ""


def _is_valid(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
