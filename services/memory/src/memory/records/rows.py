"""What a query gives back, without its columns' types: they are checked where a row becomes a value."""

from typing import Any, TypeAlias

AnyRow: TypeAlias = Any
