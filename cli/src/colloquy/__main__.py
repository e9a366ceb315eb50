"""The `colloquy` command."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from dotenv import load_dotenv

from colloquy import auditing, bearer, development, every_setting, moving, webpage
from colloquy import chat as talking
from colloquy import doctor as examining
from colloquy import events as listening
from colloquy import up as running
from colloquy.container_setup import set_up
from colloquy.data_folder import DataFolder
from colloquy.errors import Failed
from colloquy.installation import Options
from colloquy.terminal import complain, say
from gateway.settings import GatewaySettings
from shared import __version__
from shared.settings import read

app = typer.Typer(name="colloquy", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

audit = typer.Typer(no_args_is_help=True, help="The audit: who asked a model for what, as hashes, in chains.")
app.add_typer(audit, name="audit")

Data = Annotated[Path, typer.Option(help="Folder for everything that is kept.")]
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command()
def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the gateway; 0: any free one.")] = 8787,
    host: Annotated[str, typer.Option(help="Address the gateway listens on.")] = "127.0.0.1",
    data: Data = Path("data"),
    scale: Annotated[str, typer.Option(help="Processes of each service, such as inference=2,gateway=1.")] = "",
    nats: Annotated[str | None, typer.Option(help="An existing NATS, an administrator's address; else an own one.")] = None,
    page: Annotated[bool, typer.Option(help="Build the web page when it is missing or older than its sources.")] = True,
    flights: Annotated[bool, typer.Option(help="Also a tool server with made-up flights, to try tools with.")] = True,
) -> None:
    """Run everything on this machine, until Ctrl-C."""
    if page:
        webpage.current(say, complain)
    running.up(Options(host, port, data, scale, nats, flights))


@app.command()
def chat(
    url: Annotated[str, typer.Option(help="Where the gateway is.")] = "http://127.0.0.1:8787",
    user: Annotated[str, typer.Option(help="Who you are, where the gateway believes it.")] = "me",
    token: Annotated[str | None, typer.Option(envvar="COLLOQUY_TOKEN", help="Who you are, where it wants proof.")] = None,
    conversation: Annotated[str | None, typer.Option(help="Go on with this one.")] = None,
) -> None:
    """Talk in the terminal."""
    talking.chat(url, user, token, conversation)


@app.command()
def token(
    sub: Annotated[str, typer.Argument(help="The user's name.")],
    ttl: Annotated[int, typer.Option(min=1, help="Seconds for which it is good.")] = 3600,
) -> None:
    """Print a token for a gateway with GATEWAY_AUTH=jwt and the secret GATEWAY_JWT_SECRET."""
    sys.stdout.write(bearer.mint(sub, ttl, read(GatewaySettings)) + "\n")


@app.command()
def events(
    data: Data = Path("data"),
    nats: Annotated[str | None, typer.Option(help="A NATS, with a user that may listen; else that of the data folder.")] = None,
    user: Annotated[str | None, typer.Option(help="Only what concerns this user.")] = None,
    tokens: Annotated[bool, typer.Option(help="The tokens of the answers too.")] = False,
) -> None:
    """Print everything that is stored, as it happens, one JSON object a line."""
    asyncio.run(listening.events(nats or listening.listening_address(data), user, tokens=tokens))


@app.command()
def doctor(
    data: Data = Path("data"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port the gateway shall have.")] = 8787,
) -> None:
    """Say what is wrong, and what to do."""
    raise typer.Exit(0 if asyncio.run(examining.doctor(DataFolder(data.absolute()), port)) else 1)


@audit.command()
def verify(
    data: Data = Path("data"),
    database: Annotated[str | None, typer.Option(help="Address of the database; else that of the data folder.")] = None,
    anchor: Annotated[Path | None, typer.Option(help="The file of anchors; else the one beside the database.")] = None,
) -> None:
    """Check that nothing in it was changed, taken away or cut off."""
    raise typer.Exit(0 if auditing.check(auditing.settings_of(data, database, anchor)) else 1)


@app.command()
def migrate(
    source: Annotated[str, typer.Option("--from", help="Where the data is: sqlite:///… or postgresql://…")],
    target: Annotated[str, typer.Option("--to", help="Where it shall be; an empty database.")],
) -> None:
    """Move everything to another database. Stop Colloquy first; run it again when it was interrupted."""
    moving.move(source, target)


@app.command(context_settings=PASS_ON)
def test(context: typer.Context) -> None:
    """Run the tests; arguments go to pytest."""
    raise typer.Exit(development.run_tests(context.args))


@app.command(context_settings=PASS_ON)
def bench(
    context: typer.Context, name: Annotated[str | None, typer.Argument(help="Which one; else all of them.")] = None
) -> None:
    """Measure; further arguments go to the benchmark."""
    raise typer.Exit(development.run_benchmark(name, context.args))


@app.command(hidden=True)
def setup(
    folder: Annotated[Path, typer.Argument(help="A folder with one folder for each container.")] = Path("/setup"),
) -> None:
    """Write the passwords and configuration for compose.yaml."""
    set_up(folder)
    say("Passwords, keys and the configuration of NATS are in place.")


@app.command(hidden=True)
def generate() -> None:
    """Write .env.example and the settings in compose.yaml anew."""
    every_setting.generate(development.ROOT)


@app.command()
def version() -> None:
    """Print the version."""
    say(__version__)


def main() -> None:
    """Runs the command. What can't be done is one sentence and an exit status."""
    load_dotenv(".env")
    try:
        app(prog_name="colloquy")
    except Failed as failure:
        complain(f"colloquy: {failure}")
        raise SystemExit(failure.status) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
