"""`up`, `createadmin`, `apikey`: commands that run the server's own code, imported only when they run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from innkeeper.cli.failures import CommandFailed

if TYPE_CHECKING:
    from innkeeper.settings import Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _where_it_keeps_things(command: _Command) -> _Command:
    """The options that say which server's data is meant."""
    for option in (
        click.option("--database", metavar="URL", help="Database (default: SQLite in the data directory)."),
        click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Data directory."),
    ):
        command = option(command)
    return command


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (0: a free one).")
@click.option("--demo-fleet", is_flag=True, default=None, help="Simulated hosts with machines, to look at the pages.")
@click.option(
    "--no-admin",
    "first_admin",
    flag_value=False,
    type=bool,
    default=None,
    help="Make no administrator at the first start: a page does, with the code that is printed.",
)
@_where_it_keeps_things
def up(**options: Any) -> None:
    """Start the server, and stop it with Ctrl-C.

    The first start makes an administrator and prints the API key once. What is not given here comes from
    the settings (environment, file).
    """
    with _told_errors():
        gc.disable()  # what is imported stays: looking for garbage in it takes a sixth of the start
        from innkeeper import serve

        gc.freeze()
        gc.enable()
        serve.up(_settings(**options))


@click.command()
@click.option("--username", help="Name to log in with (asked for when missing).")
@click.option("--password", help="Password (asked for when missing; - reads it from standard input).")
@click.option("--email", default="", help="Address of electronic mail.")
@_where_it_keeps_things
def createadmin(username: str | None, password: str | None, email: str, **options: Any) -> None:
    """Make a user who may do everything."""
    name = username or _ask("Username", option="--username")
    secret = _read_password(password)
    with _told_errors():
        from innkeeper import accounts

        accounts.create_admin(_settings(**options), username=name, email=email, password=secret)


@click.command()
@click.option("--username", required=True, help="Whose keys.")
@click.option("--generate", is_flag=True, help="Make a new key and print it.")
@click.option("--delete", metavar="KEY", help="Delete this key.")
@_where_it_keeps_things
def apikey(username: str, generate: bool, delete: str | None, **options: Any) -> None:
    """Print the API keys of a user, one a line."""
    if generate and delete is not None:
        raise click.UsageError("--generate and --delete cannot be used together.")
    with _told_errors():
        from innkeeper import accounts

        keys = accounts.api_keys(_settings(**options), username=username, generate=generate, delete=delete)
    for key in keys:
        click.echo(key)


def _settings(**options: Any) -> Settings:
    """The settings with the options that were given; the others keep what environment and file say."""
    from pydantic import ValidationError

    from innkeeper.settings import Settings

    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()]
        raise CommandFailed("The settings are not right.", details="\n".join(lines)) from None


@contextmanager
def _told_errors() -> Iterator[None]:
    """Errors of the server as errors of the command, with their three parts."""
    from innkeeper.errors import InnkeeperError

    try:
        yield
    except InnkeeperError as error:
        raise CommandFailed(error.brief, details=error.details, resolution=error.resolution) from error


def _read_password(typed: str | None) -> str:
    if typed == "-":
        return sys.stdin.readline().rstrip("\r\n")
    return typed or _ask("Password", option="--password", hidden=True)


def _ask(what: str, *, option: str, hidden: bool = False) -> str:
    if not sys.stdin.isatty():
        raise CommandFailed(f"{what} is missing.", resolution=f"Give it with {option}.")
    return str(click.prompt(what, hide_input=hidden, confirmation_prompt=hidden, err=True))


COMMANDS: dict[str, click.Command] = {"up": up, "createadmin": createadmin, "apikey": apikey}
