"""The models that can be named."""

from collections.abc import Sequence

from inference.failure import NoSuchModel
from inference.ports import Model
from shared.contract import inference


class Models:
    """Every model of this process; the first one is the default. `answering` are the same models for people who wait, where
    that is something else."""

    def __init__(self, models: Sequence[Model], answering: Sequence[Model] = ()) -> None:
        self._models = {model.card.id: model for model in models}
        self._answering = self._models | {model.card.id: model for model in answering}
        self._default = models[0].card.id

    def named(self, name: str | None) -> Model:
        """The model of that name, or the default, for work of which nobody reads a word. Raises NoSuchModel."""
        return _of(self._models, name or self._default)

    def answering(self, name: str | None) -> Model:
        """The same for an answer to somebody."""
        return _of(self._answering, name or self._default)

    def card(self, name: str) -> inference.Model:
        """What is known of the model that answered. Raises NoSuchModel."""
        return _of(self._models, name).card

    def all_can(self, model: Model, capability: str) -> bool:
        """Whether the model, and each that may answer in its place, can do this."""
        cards = [model.card, *(self.card(name) for name in model.card.fallback or [])]
        return all(capability in (card.capabilities or []) for card in cards)

    async def list(self, _question: inference.ListModels) -> inference.Models:
        """Answers LIST_MODELS."""
        return inference.Models(models=[model.card for model in self._models.values()])


def _of(models: dict[str, Model], name: str) -> Model:
    if name not in models:
        raise NoSuchModel
    return models[name]
