"""The web page's types are those of the contract."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "web" / "contract.py"


def test_the_types_of_the_page_are_those_of_the_contract():
    spec = spec_from_file_location("web_contract", SCRIPT)
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.FILE.read_text() == script.typescript(), "stale: run `.venv/bin/python web/contract.py` and commit the file"
