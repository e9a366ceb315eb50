"""`colloquy doctor`: what is wrong, and what to do."""

import os

from colloquy import findings
from colloquy.data_folder import DataFolder
from colloquy.findings import Finding
from colloquy.leftovers import running
from colloquy.terminal import say
from inference.settings import InferenceSettings
from shared.settings import read


async def doctor(folder: DataFolder, port: int) -> bool:
    """Looks at everything and tells. Whether all is right."""
    address = os.environ.get("MEMORY_DATABASE_URL", "")
    is_up = bool(running(folder))
    found = [
        findings.python(),
        findings.uv(),
        findings.nats_binary(),
        findings.disk(folder),
        findings.port(port, is_up=is_up),
        findings.processes(folder),
        await findings.postgres(address) if address.startswith("postgres") else findings.database(folder),
        *([await findings.nats(folder), await findings.gateway(folder)] if is_up else []),
        *await findings.models(read(InferenceSettings), os.environ),
    ]
    for finding in found:
        _tell(finding)
    return not any(finding.advice for finding in found)


def _tell(finding: Finding) -> None:
    mark, style = ("!!", "bold red") if finding.advice else ("ok", "green")
    say(f"{mark}  {finding.subject:<12} {finding.state}", style if finding.advice else "")
    if finding.advice:
        say(f"    {'':<12} → {finding.advice}")
