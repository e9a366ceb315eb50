"""N07: models are named in TOML; what is wrong in it is said with its place and what to do."""

from pathlib import Path

import pytest
from turns import Work

from inference.catalogue import Catalogue, entries_of, key_of
from inference.configured import catalogue_of
from inference.settings import InferenceSettings
from shared.bus import Bus
from shared.contract.inference import LIST_MODELS, ListModels
from shared.errors import Invalid

TOML = """
[default]
model = "big"
base_url = "http://127.0.0.1:1/v1"

[models.small]
model = "llama-3.1-8b"
prompt_price = 0.05
completion_price = 0.08
context = 131072
max_output = 4096
capabilities = ["tools", "json"]
fallback = ["big", "colloquy-demo"]

[models.big]
base_url = "https://models.example/v1"
api_key = "sk-secret"
headers = { X-Team = "7" }
first_token_seconds = 60
"""


def catalogue(toml: str) -> Catalogue:
    return catalogue_of(InferenceSettings(models=toml))


def test_what_is_written_is_what_there_is():
    read = catalogue(TOML)
    assert (list(read.entries), read.default) == (["small", "big", "colloquy-demo"], "big")
    small, big = read.entries["small"], read.entries["big"]
    assert (small.name, small.base_url, small.context) == ("llama-3.1-8b", "http://127.0.0.1:1/v1", 131072)
    assert (big.name, big.base_url, big.first_token_seconds) == ("big", "https://models.example/v1", 60)
    assert [one.id for one in read.chain(small)] == ["small", "big", "colloquy-demo"]
    assert "sk-secret" not in repr(big)


def test_a_path_is_read_as_the_file_is(tmp_path: Path):
    path = tmp_path / "models.toml"
    path.write_text(TOML, encoding="utf-8")
    assert entries_of(str(path)) == entries_of(TOML)


def test_the_short_form_may_stand_beside():
    both = InferenceSettings(models=TOML, base_url="http://127.0.0.1:2/v1", model="other", api_key="k")
    read = catalogue_of(both)
    assert list(read.entries) == ["small", "big", "other", "colloquy-demo"]
    assert (read.entries["other"].base_url, key_of(read.entries["other"], {})) == ("http://127.0.0.1:2/v1", "k")


def test_memory_is_told_what_each_model_costs():
    rates = {rate.model: rate for rate in catalogue(TOML).rates()}
    small = rates["small"]
    assert (small.prompt_price, small.completion_price, small.max_output_tokens, small.default) == (0.05, 0.08, 4096, False)
    assert (rates["big"].prompt_price, rates["big"].default, rates["colloquy-demo"].completion_price) == (0.0, True, 0.0)


ONE = '[models.a]\nbase_url = "http://x/v1"\n'


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[models.a\n", "line 1"),
        ("nowhere.toml", "FileNotFoundError"),
        ("\n", ""),
        ("[model.a]\n", r"\[models\.ID\]"),
        ("[models]\n", "names no model"),
        ("models = 3\n", "models has to be a section"),
        ("[models]\na = 3\n", "a has to be a section"),
        ("[models.a]\n", r"models\.a: base_url.*such as http"),
        ('[models.a]\nbase_url = "ftp://x"\n', r"models\.a: base_url"),
        (ONE + 'price = 3\n', r"models\.a\.price: there is no such field; there are id, .*prompt_price"),
        (ONE + "prompt_price = -1\n", r"models\.a\.prompt_price: .*greater than or equal to 0"),
        (ONE + 'context = "much"\n', r"models\.a\.context: "),
        (ONE + 'capabilities = ["magic"]\n', r"models\.a\.capabilities\.0: .*'tools'"),
        (ONE + 'fallback = ["b"]\n', r"models\.a\.fallback names 'b'; there are a, colloquy-demo"),
        (ONE + 'fallback = ["a"]\n', "twice, or itself"),
        (ONE + 'fallback = ["colloquy-demo", "colloquy-demo"]\n', "twice, or itself"),
        (ONE + 'id = "b"\n', r"models\.a\.id"),
        (ONE + 'api_key = "sk-secret"\napi_key_env = "KEY"\n', "one of api_key, api_key_env and api_key_file"),
        ('[default]\nmodel = "b"\n' + ONE, r"\[default\] names the model 'b'; there are a"),
        ('[models.a]\nprovider = "magic"\n', r"models\.a\.provider: .*'openai'"),
        ('[models.a]\nprovider = "recorded"\n', r"models\.a: path"),
        ('[models.a]\nprovider = "embedded"\n', "colloquy-demo"),
        ('[models.colloquy-demo]\nbase_url = "http://x/v1"\n', "colloquy-demo"),
        ('[models.canned]\nbase_url = "http://x/v1"\n', "canned"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(toml: str, said: str):
    if not said:
        assert list(catalogue(toml).entries) == ["colloquy-demo"]
        return
    with pytest.raises(Invalid, match=said) as raised:
        catalogue(toml)
    assert "INFERENCE_MODELS" in str(raised.value)
    assert "sk-secret" not in str(raised.value)


def test_a_key_may_be_in_the_environment_or_in_a_file(tmp_path: Path):
    path = tmp_path / "key"
    path.write_text("from-file\n", encoding="utf-8")
    [by_name, by_file], _ = entries_of(ONE + 'api_key_env = "KEY_A"\n' + ONE.replace("a]", "b]") + f'api_key_file = "{path}"\n')
    assert (key_of(by_name, {"KEY_A": " from-environment "}), key_of(by_file, {})) == ("from-environment", "from-file")
    with pytest.raises(Invalid, match=r"models\.a\.api_key_env: set KEY_A"):
        key_of(by_name, {})
    path.unlink()
    with pytest.raises(Invalid, match=r"models\.b\.api_key_file: .*FileNotFoundError"):
        key_of(by_file, {})


async def test_whoever_asks_sees_the_default_first_and_what_each_can_do(work: Work, bus: Bus):
    await work(models=TOML)
    big, small, commands = (await bus.ask(LIST_MODELS, ListModels())).models
    assert [big.id, small.id, commands.id] == ["big", "small", "colloquy-demo"]
    assert (small.prompt_price, small.context, small.fallback) == (0.05, 131072, ["big", "colloquy-demo"])
    assert (big.prompt_price, big.capabilities, small.capabilities) == (None, ["tools"], ["tools", "json"])
