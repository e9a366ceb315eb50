"""The models of this process, put together from what the operator says."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from inference.adapters.canned import Canned
from inference.adapters.embedded import Embedded
from inference.adapters.fallback import Chain, Link
from inference.adapters.openai_compatible import Endpoint, OpenAICompatible, Retries
from inference.adapters.recorded import Recorded, recorded
from inference.adapters.redacting import Redacting
from inference.catalogue import CANNED, Catalogue, Entry, key_of
from inference.circuit import Breaker
from inference.circuits import Circuits
from inference.guard import Deadlines
from inference.models import Models
from inference.ports import Model
from inference.settings import InferenceSettings
from shared.contract import inference


def models_of(
    catalogue: Catalogue, settings: InferenceSettings, client: httpx.AsyncClient, environment: Mapping[str, str]
) -> Models:
    """Each model with its chain. Raises Invalid."""
    assembly = _Assembly(settings, client, environment)
    links = {entry.id: assembly.link(entry) for entry in catalogue.entries.values()}
    circuits = Circuits(Breaker(settings.breaker_failures, settings.breaker_seconds))
    canned = settings.canned_reply
    last = [Link(CANNED, Canned(canned), CANNED, assembly.deadlines)] if canned else []
    working: list[Model] = []
    answering: list[Model] = []
    for entry in sorted(catalogue.entries.values(), key=lambda entry: entry.id != catalogue.default):
        card = links[entry.id].model.card
        chain = catalogue.chain(entry)
        # The built-in commands understand people, not prompts: work in the background is better tried again later.
        serious = [one for one in chain if one is entry or one.provider != "embedded"]
        working.append(Chain(card, [links[one.id] for one in serious], circuits))
        answering.append(Chain(card, [*(links[one.id] for one in chain), *last], circuits))
    return Models(working, answering)


@dataclass(frozen=True, slots=True)
class _Assembly:
    settings: InferenceSettings
    client: httpx.AsyncClient
    environment: Mapping[str, str]

    @property
    def deadlines(self) -> Deadlines:
        settings = self.settings
        return Deadlines(settings.first_token_seconds, settings.idle_seconds, settings.total_seconds)

    def link(self, entry: Entry) -> Link:
        usual = self.deadlines
        deadlines = Deadlines(
            entry.first_token_seconds or usual.first_token,
            entry.idle_seconds or usual.idle,
            entry.total_seconds or usual.total,
        )
        return Link(entry.id, self._model(entry, deadlines), _provider(entry), deadlines)

    def _model(self, entry: Entry, deadlines: Deadlines) -> Model:
        if entry.provider == "embedded":
            return Embedded(self.settings.demo_tokens_per_second)
        if entry.provider == "recorded":
            return Recorded(recorded(entry), entry.speed, _card(entry))
        settings = self.settings
        retries = Retries(
            settings.retries if entry.retries is None else entry.retries,
            settings.retry_delay_seconds,
            settings.retry_after_cap_seconds,
            deadlines.first_token,
        )
        headers = {name: value.get_secret_value() for name, value in entry.headers.items()}
        if (key := key_of(entry, self.environment)) and "authorization" not in map(str.lower, headers):
            headers["Authorization"] = f"Bearer {key}"
        connect = entry.connect_seconds or settings.connect_seconds
        endpoint = Endpoint(entry.base_url, entry.name, headers, connect, entry.max_output, entry.tags)
        model = OpenAICompatible(self.client, endpoint, _card(entry), retries)
        return Redacting(model) if settings.redact else model


def _card(entry: Entry) -> inference.Model:
    return inference.Model(
        id=entry.id,
        description=entry.description or entry.name,
        kind=entry.provider,
        prompt_price=entry.prompt_price,
        completion_price=entry.completion_price,
        context=entry.context,
        max_output=entry.max_output,
        capabilities=list(entry.capabilities),
        fallback=list(entry.fallback) or None,
    )


def _provider(entry: Entry) -> str:
    """Whose circuit it shares: what answers at one address fails together."""
    return urlsplit(entry.base_url).netloc.rpartition("@")[2] if entry.base_url else entry.provider
