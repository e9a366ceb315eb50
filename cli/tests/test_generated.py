"""The committed files are what the settings classes say today: `./colloquy generate` writes them anew."""

from colloquy.development import ROOT
from colloquy.every_setting import env_example, variables, with_settings
from colloquy.plan import SERVICES


def test_env_example_is_what_the_settings_say():
    assert (ROOT / ".env.example").read_text() == env_example()


def test_compose_passes_on_every_setting_of_each_service():
    compose = (ROOT / "compose.yaml").read_text()
    assert compose == with_settings(compose)
    assert compose.count(": generated\n") == len(SERVICES)


def test_a_service_gets_no_key_of_another():
    assert "INFERENCE_API_KEY" in variables("inference")
    assert not [name for name in variables("gateway") if name.startswith(("INFERENCE_", "MEMORY_"))]
