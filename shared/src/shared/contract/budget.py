"""What answers cost: prices of models, a user's budget of a day (UTC), what is reserved before and settled after."""

from datetime import datetime

from pydantic import Field

from shared.contract.base import Message
from shared.contract.memory import Done
from shared.contract.objects import Usage
from shared.contract.topics import Call


class Rate(Message):
    """What a model costs, in USD per million tokens, and the most it says in one answer."""

    model: str
    prompt_price: float = Field(default=0.0, ge=0)
    completion_price: float = Field(default=0.0, ge=0)
    max_output_tokens: int | None = None
    default: bool = False


class KeepRates(Message):
    """Every model that a worker knows: sent when it starts. Models that are not named are gone."""

    rates: list[Rate]


class Charge(Message):
    """Work in the background has cost this. The same operation id again changes nothing."""

    user: str
    operation_id: str
    model: str
    usage: Usage


class GetUsage(Message):
    """What has this user used today?"""

    user: str


class Measure(Message):
    """Of one unit. `reserved`: for answers that are still written. Without a limit nothing can be left."""

    used: float
    reserved: float
    limit: float | None = None
    left: float | None = None
    currency: str | None = None


class ModelUsage(Message):
    """Of one model."""

    model: str
    answers: int
    prompt_tokens: int
    completion_tokens: int
    cost: float


class UsageToday(Message):
    """What was used of the budget of a day. `resets_at`: when the next one begins."""

    date: str
    timezone: str = "UTC"
    resets_at: datetime
    tokens: Measure
    cost: Measure
    models: list[ModelUsage]


KEEP_RATES = Call("memory", "keep_rates", KeepRates, Done)
CHARGE = Call("memory", "charge", Charge, Done)
GET_USAGE = Call("memory", "get_usage", GetUsage, UsageToday)
