"""What an operator may change, and what is said about what can't be."""

import pytest
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from shared.settings import read, settings_config


class Some(BaseSettings):
    """Settings of a service that there is not."""

    model_config = settings_config("SOME_")

    engine: str = Field(default="a", pattern="^[ab]$")
    budgets: dict[str, int] = {}
    key: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _checked(self) -> "Some":
        if self.engine == "b" and not self.budgets:
            raise ValueError("b needs budgets")
        return self


def test_settings_are_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("SOME_ENGINE", "b")
    monkeypatch.setenv("SOME_BUDGETS", '{"ana": 1}')
    assert (read(Some).engine, read(Some).budgets) == ("b", {"ana": 1})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SOME_ENGINE", "sk-secret", "SOME_ENGINE: "),
        ("SOME_ENGINE", "b", "SOME: b needs budgets"),
        ("SOME_BUDGETS", '{"Ana": "sk-secret"}', "SOME_BUDGETS.Ana: "),
        ("SOME_BUDGETS", '{"sk-secret', "SOME_BUDGETS: this is no JSON"),
    ],
)
def test_a_setting_that_can_not_be_is_one_sentence_without_its_value(monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        read(Some)
    sentence = str(ended.value)
    assert sentence.startswith(said)
    assert "\n" not in sentence
    assert "sk-secret" not in sentence
