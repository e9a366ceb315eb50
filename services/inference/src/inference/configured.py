"""The models that the settings describe, in their long form and in their short one."""

from inference.catalogue import VARIABLE, Catalogue, Entry, entries_of
from inference.commands import NAME
from inference.settings import InferenceSettings
from shared.errors import Invalid


def catalogue_of(settings: InferenceSettings) -> Catalogue:
    """The models of INFERENCE_MODELS, then those of INFERENCE_MODEL, then the built-in commands, which are the default only
    when nothing else is there. Raises Invalid."""
    named, default = entries_of(settings.models.get_secret_value())
    if wrong := next((entry.id for entry in named if (entry.provider == "embedded") != (entry.id == NAME)), None):
        raise Invalid(f'{VARIABLE}: models.{wrong}: {NAME!r} is the id of provider = "embedded", and of nothing else.')
    entries = {entry.id: entry for entry in (Entry(id=NAME, provider="embedded"), *named)}
    commands = entries.pop(NAME)
    return Catalogue([*entries.values(), *_short(settings), commands], default)


def _short(settings: InferenceSettings) -> list[Entry]:
    """The short form: one server, its models by name."""
    names = [name for name in (part.strip() for part in settings.model.split(",")) if name and name != NAME]
    if bool(names) != bool(settings.base_url):
        raise Invalid("Set INFERENCE_BASE_URL and INFERENCE_MODEL together, or neither.")
    if settings.base_url and not settings.base_url.startswith(("http://", "https://")):
        raise Invalid("INFERENCE_BASE_URL must start with http:// or https://.")
    url, key, headers = settings.base_url, settings.api_key, settings.extra_headers
    return [Entry(id=name, base_url=url, api_key=key, headers=headers) for name in dict.fromkeys(names)]
