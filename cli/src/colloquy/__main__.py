"""The `colloquy` command."""

from pathlib import Path
from typing import Annotated

import typer
from dotenv import load_dotenv

from colloquy import up as running
from colloquy.errors import Failed
from colloquy.installation import Options
from colloquy.terminal import complain, say
from shared import __version__

app = typer.Typer(name="colloquy", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the gateway; 0: any free one.")] = 8787,
    host: Annotated[str, typer.Option(help="Address the gateway listens on.")] = "127.0.0.1",
    data: Annotated[Path, typer.Option(help="Folder for everything that is kept.")] = Path("data"),
    scale: Annotated[str, typer.Option(help="Processes of each service, such as inference=2,gateway=1.")] = "",
    nats: Annotated[
        str | None, typer.Option(help="An existing NATS (an administrator's address), instead of an own one.")
    ] = None,
) -> None:
    """Run everything on this machine, until Ctrl-C."""
    running.up(Options(host, port, data, scale, nats))


@app.command()
def version() -> None:
    """Print the version."""
    say(__version__)


def main() -> None:
    """Runs the command. What can't be done is one sentence and an exit status."""
    load_dotenv(".env")
    try:
        app()
    except Failed as failure:
        complain(f"colloquy: {failure}")
        raise SystemExit(failure.status) from None


if __name__ == "__main__":
    main()
