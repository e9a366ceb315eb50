"""Users of whom the feed holds nothing."""

from collections import OrderedDict

MAX_SILENT = 10_000


class Silence:
    """With the version they are at: nobody needs to wait twice to find out."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, int] = OrderedDict()

    def has(self, user: str, version: int) -> bool:
        """Whether that was found out before."""
        return self._known.get(user) == version

    def add(self, user: str, version: int) -> None:
        """It was found out now."""
        self._known[user] = version
        self._known.move_to_end(user)
        if len(self._known) > MAX_SILENT:
            self._known.popitem(last=False)
