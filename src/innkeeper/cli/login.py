"""`login`, `logout`, `list`, `refresh`: the profiles of this user."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace

import click

from innkeeper.cli import words
from innkeeper.cli.address import parse_address
from innkeeper.cli.catalogue import fetch_description, store_description, unexpected
from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.oauth import parse_key
from innkeeper.cli.profiles import Profile, edited_profiles, read_profiles
from innkeeper.cli.wire import Request, call


@click.command()
@click.argument("profile")
@click.argument("url")
@click.argument("key", required=False)
@click.option("--cacerts", metavar="FILE", default="", help="Trust the authorities in this PEM file.")
@click.option("-k", "--insecure", is_flag=True, help="Do not check the server's certificate.")
def login(profile: str, url: str, key: str | None, cacerts: str, insecure: bool) -> None:
    """Log in to a server and keep it as PROFILE.

    URL is the server's address, like http://localhost:5240/MAAS. KEY is an API key; - reads it from
    standard input, and without it you are asked.
    """
    if (
        profile in (*words.SERVER, *words.PROFILES)
        or not profile
        or profile.startswith("-")
        or not profile.isprintable()
    ):
        raise CommandFailed(f"A profile cannot be named {profile!r}.", resolution="Choose another name.")
    wanted = Profile(
        name=profile,
        address=parse_address(url),
        key=_read_key(key),
        cacerts=os.path.abspath(cacerts) if cacerts else "",
        insecure=insecure,
    )
    _log_in(wanted)


@click.command()
@click.argument("profile")
def logout(profile: str) -> None:
    """Forget PROFILE and its key."""
    with edited_profiles() as profiles:
        if profile not in profiles:
            raise unknown_profile(profile, known=profiles, program="maas")
        del profiles[profile]


@click.command(name="list")
@click.option("--show-keys", is_flag=True, help="Print each profile's API key instead of its user.")
def list_profiles(show_keys: bool) -> None:
    """List the profiles: name, address, user."""
    for name, profile in sorted(read_profiles().items()):
        last = profile.key if show_keys else profile.username
        click.echo(f"{name} {profile.address}/api/2.0/ {last}".rstrip())


@click.command()
@click.argument("profile", required=False)
def refresh(profile: str | None) -> None:
    """Read anew what PROFILE's server offers (default: every profile's)."""
    known = read_profiles()
    if profile is not None and profile not in known:
        raise unknown_profile(profile, known=known, program="maas")
    failed = False
    for found in [known[profile]] if profile is not None else known.values():
        try:
            store_description(profile=replace(found, description=fetch_description(found)))
        except CommandFailed as failure:
            failed = True
            click.echo(f"{found.name}:", err=True)
            failure.show()
    if failed:
        raise click.exceptions.Exit(2)


def unknown_profile(name: str, *, known: dict[str, Profile], program: str) -> CommandFailed:
    """The error for a profile that is not there: it lists those that are."""
    names = ", ".join(sorted(known))
    return CommandFailed(
        f"There is no profile {name!r}.",
        details=f"Profiles: {names}" if names else "You are not logged in to any server.",
        resolution=f"Log in: {program} login {name} http://localhost:5240/MAAS KEY",
    )


def _log_in(wanted: Profile) -> None:
    answer = call(profile=wanted, request=Request(method="GET", target=f"{wanted.api}users/?op=whoami"))
    if answer.status == 401:
        raise CommandFailed(
            f"{wanted.address}/ does not accept this key.",
            details=answer.text.strip(),
            resolution="The server prints keys: maas apikey --username NAME",
        )
    if location := answer.header("Location"):
        raise CommandFailed(
            f"{wanted.address}/ sends us elsewhere.",
            details=f"{answer.status}, to {location}",
            resolution="Log in with the address it names.",
        )
    try:
        user = json.loads(answer.body) if answer.ok else {}
        username = user["username"]
    except (ValueError, KeyError, TypeError):
        raise unexpected(profile=wanted, path="users/?op=whoami", status=answer.status, text=answer.text) from None
    profile = replace(wanted, username=str(username), description=fetch_description(wanted))
    with edited_profiles() as profiles:
        profiles[profile.name] = profile
    role = "administrator" if user.get("is_superuser") else "user"
    click.echo(f"Logged in to {profile.address}/ as {profile.username} ({role}).")
    click.echo(f"See what you can do: maas {profile.name} --help")


def _read_key(typed: str | None) -> str:
    if typed == "-":
        typed = sys.stdin.readline()
    elif typed is None:
        if not sys.stdin.isatty():
            raise CommandFailed(
                "No API key was given.", resolution="Give it as the third argument, or - and send it to standard input."
            )
        typed = click.prompt("API key", hide_input=True, err=True, type=str)
    parse_key(str(typed))
    return str(typed).strip()


COMMANDS: dict[str, click.Command] = {
    "login": login,
    "logout": logout,
    "list": list_profiles,
    "refresh": refresh,
}
