"""The arrows of the architecture: who may import whom. House rule 2, as a program."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("gateway", "memory", "inference", "transcribe", "workflow")


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def offenders(paths: list[Path], forbidden: set[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imports(path)
        if name in forbidden or any(name.startswith(prefix + ".") for prefix in forbidden)
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_imports_another(service):
    assert offenders(sources(f"services/{service}/src"), set(SERVICES) - {service}) == []


def test_shared_imports_no_service():
    assert offenders(sources("shared/src"), {*SERVICES, "colloquy"}) == []


def test_the_contract_imports_pydantic_and_itself():
    allowed = {"pydantic", "shared.contract", "shared.ids", "typing", "datetime", "dataclasses"}
    foreign = [
        f"{path.name} imports {name}"
        for path in sources("shared/src/shared/contract")
        for name in imports(path)
        if not any(name == ok or name.startswith(ok + ".") for ok in allowed)
    ]
    assert foreign == []


@pytest.mark.parametrize("service", SERVICES)
def test_only_the_bus_imports_nats(service):
    assert offenders(sources(f"services/{service}/src"), {"nats"}) == []


@pytest.mark.parametrize("service", SERVICES)
def test_only_app_sees_adapters(service):
    package = ROOT / f"services/{service}/src/{service}"
    outside = [
        p
        for p in sources(str(package.relative_to(ROOT)))
        if "adapters" not in p.parts and p.name not in {"app.py", "__main__.py"}
    ]
    assert offenders(outside, {f"{service}.adapters"}) == []


@pytest.mark.parametrize("service", SERVICES)
def test_no_module_outgrows_its_name(service):
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources(f"services/{service}/src")
        if "versions" not in path.parts and (lines := len(path.read_text().splitlines())) > 400
    }
    assert long == {}
