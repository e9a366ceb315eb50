"""The base of everything that travels: camelCase on the wire, snake_case in Python, strict when built, tolerant when read."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Message(BaseModel):
    """An immutable value that travels between services or to a client."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        ser_json_inf_nan="null",
        hide_input_in_errors=True,  # what somebody wrote must not reach a log by way of a traceback
    )

    def encode(self) -> bytes:
        """One line of compact JSON in UTF-8, keys in camelCase, absent optional fields left out."""
        return self.__pydantic_serializer__.to_json(self, by_alias=True, exclude_none=True)

    @classmethod
    def decode(cls, data: bytes | bytearray | str) -> Self:
        """Reads what `encode` of this or any later version wrote; unknown fields are ignored.

        Raises pydantic.ValidationError when it is not such a message.
        """
        return cls.model_validate_json(data, extra="ignore")

    def wire(self) -> dict[str, Any]:
        """What `encode` would write, as a JSON-compatible dict."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
