"""`console`: a machine's serial console on this terminal, until the escape key is pressed."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import click

from innkeeper.cli.chosen import chosen
from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.profiles import Profile
from innkeeper.cli.wire import Answer, Request, call


@click.command()
@click.argument("machine")
@click.option("--profile", "name", metavar="PROFILE", help="Which server (needed when you are logged in to several).")
@click.option("--log", is_flag=True, help="Print what the server has kept of it, and end.")
@click.option("-k", "--insecure", is_flag=True, help="Do not check the server's certificate.")
def console(machine: str, name: str | None, log: bool, insecure: bool) -> None:
    """Show the serial console of MACHINE (host name or system_id), and type into it.

    Ctrl-] leaves it. Several may watch one machine at the same time. Where standard input is not a terminal, what it
    holds is typed, and the console is shown until Ctrl-C.
    """
    profile = chosen(name)
    if insecure:
        profile = replace(profile, insecure=True)
    system_id = _find(profile, machine)
    if log:
        answer = _asked(profile, _path(profile, system_id))
        click.echo(json.loads(answer.body)["text"], nl=False)
        return
    from innkeeper.cli.terminal import attach  # with a client of websockets, which other commands do not need

    attach(profile=profile, path=f"{_path(profile, system_id)}/live", streams=(sys.stdin.fileno(), sys.stdout.fileno()))


def _find(profile: Profile, machine: str) -> str:
    """The system_id of a machine named by its host name, else the word itself as system_id."""
    answer = _asked(profile, f"{profile.api}machines/?hostname={quote(machine, safe='')}")
    found: list[dict[str, Any]] = json.loads(answer.body)
    return str(found[0]["system_id"]) if found else machine


def _path(profile: Profile, system_id: str) -> str:
    return f"{profile.address.path}/api/v1/machines/{quote(system_id, safe='')}/console"


def _asked(profile: Profile, target: str) -> Answer:
    answer = call(profile=profile, request=Request(method="GET", target=target))
    if not answer.ok:
        raise refused(answer.status, answer.body)
    return answer


def refused(status: int, body: bytes) -> CommandFailed:
    """An answer that is no success, in the server's words."""
    try:
        told = json.loads(body)
        return CommandFailed(told["brief"], details=told["details"], resolution=told["resolution"])
    except (ValueError, KeyError, TypeError):
        text = body.decode(errors="replace").strip()
        return CommandFailed(text or f"The server answered with status {status}.")
