"""The ways a model fails: each is one stable code, and its docstring the sentence that the user reads."""

from typing import ClassVar

from shared.contract.objects import Problem


class ModelFailed(Exception):
    """The model could not answer."""

    code: ClassVar[str] = "upstream_unavailable"

    retry_after: float | None = None
    """Seconds after which the server said that it may be asked again."""

    elsewhere: bool = True
    """Whether another model may answer what this one did not."""

    ill: bool = True
    """Whether it says that the server is not well."""

    def __init__(self, detail: str = "") -> None:
        """`detail` is ours: a status, a name from a closed set. Never what the server wrote, which may quote keys."""
        sentence = (type(self).__doc__ or "").strip()
        super().__init__(f"{sentence} ({detail})" if detail else sentence)

    @property
    def problem(self) -> Problem:
        """The same as it is stored and shown."""
        return Problem(code=self.code, message=str(self))


class UpstreamUnavailable(ModelFailed):
    """The model's server can't be reached or is failing; try again later."""

    code = "upstream_unavailable"


class UpstreamTimeout(ModelFailed):
    """The model took too long."""

    code = "upstream_timeout"


class UpstreamRateLimited(ModelFailed):
    """The model's server is busy with too many requests; try again later."""

    code = "upstream_rate_limited"


class UpstreamRefused(ModelFailed):
    """The model's server refused the request."""

    code = "upstream_refused"
    elsewhere = ill = False


class NotSupported(ModelFailed):
    """This model can't answer in that form: it calls no tool on demand and keeps to no format."""

    code = "not_supported"
    ill = False


class UpstreamMalformed(ModelFailed):
    """The model's server sent something that can't be read."""

    code = "upstream_malformed"


class Incomplete(ModelFailed):
    """The answer was cut off before its end."""

    code = "incomplete"


class TooLong(ModelFailed):
    """The answer became too long and was cut."""

    code = "too_long"


class NoSuchModel(ModelFailed):
    """No such model."""

    code = "unknown_model"
    elsewhere = ill = False


class LeftAlone(UpstreamUnavailable):
    """The model's server has failed again and again and is left alone for a moment; try again later."""

    ill = False


class OutOfBudget(ModelFailed):
    """Today's budget is used up."""

    code = "budget_exhausted"
    elsewhere = ill = False
