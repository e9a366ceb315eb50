"""The models that can be named."""

from collections.abc import Sequence

from inference.failure import NoSuchModel
from inference.ports import Model
from shared.contract import inference


class Models:
    """Every model of this process; the first one is the default."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._models = {model.card.id: model for model in models}
        self._default = models[0]

    def named(self, name: str | None) -> Model:
        """The model of that name, or the default. Raises NoSuchModel."""
        if not name:
            return self._default
        if name not in self._models:
            raise NoSuchModel
        return self._models[name]

    async def list(self, _question: inference.ListModels) -> inference.Models:
        """Answers LIST_MODELS."""
        return inference.Models(models=[model.card for model in self._models.values()])
