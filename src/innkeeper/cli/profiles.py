"""Profiles: which servers a person is logged in to, with key and command description.

One JSON file, readable by its owner only:
{"profiles": {NAME: {"url", "key", "username", "insecure", "cacerts", "description"}}}
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from innkeeper.cli.address import Address, parse_address
from innkeeper.cli.failures import CommandFailed


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A server and who we are there. `description` is the server's describe document, {} before login."""

    name: str
    address: Address
    key: str = field(repr=False)
    username: str = ""
    insecure: bool = False
    cacerts: str = ""
    description: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def api(self) -> str:
        """Path of the REST API from the host's root, with final slash."""
        return f"{self.address.path}/api/2.0/"


def profiles_path() -> Path:
    """The profiles file: $INNKEEPER_PROFILES, else below $XDG_CONFIG_HOME, else below ~/.config."""
    if chosen := os.environ.get("INNKEEPER_PROFILES"):
        return Path(chosen)
    config = os.environ.get("XDG_CONFIG_HOME", "")
    # A relative path there is invalid by the XDG specification and counts as unset.
    base = Path(config) if os.path.isabs(config) else Path(os.path.expanduser("~")) / ".config"
    return base / "innkeeper" / "profiles.json"


def read_profiles() -> dict[str, Profile]:
    """All profiles by name, {} when there is no file. Raises CommandFailed when it cannot be read."""
    path = profiles_path()
    try:
        stored = json.loads(path.read_bytes())["profiles"]
        return {name: _from_json(name, value) for name, value in stored.items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CommandFailed(f"Cannot read the profiles in {path}.", details=error.strerror or "") from None
    except (ValueError, KeyError, TypeError, AttributeError, CommandFailed) as error:
        raise CommandFailed(
            f"The profiles in {path} cannot be understood.",
            details=f"{type(error).__name__}: {error}",
            resolution="Repair the file, or remove it and log in again.",
        ) from None


@contextmanager
def edited_profiles() -> Iterator[dict[str, Profile]]:
    """The profiles as a dict to change; written at the end, as a whole or not at all.

    Commands that run at the same time wait for one another, so that none loses what another wrote.
    Raises CommandFailed when the file cannot be written.
    """
    path = Path(os.path.realpath(profiles_path()))  # a link stays a link, its target is replaced
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path.with_name(f"{path.name}.lock")):
            profiles = read_profiles()
            yield profiles
            stored = {name: _to_json(profile) for name, profile in profiles.items()}
            _replace(path, json.dumps({"profiles": stored}).encode())
    except OSError as error:
        raise CommandFailed(
            f"Cannot write the profiles in {path}.",
            details=error.strerror or str(error),
            resolution="Name another file in the environment variable INNKEEPER_PROFILES.",
        ) from None


def find_profile(name: str) -> Profile | None:
    """The profile of that name, None when there is none."""
    return read_profiles().get(name)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            import fcntl
        except ImportError:  # Windows: two commands at once may lose a change there
            pass
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, content: bytes) -> None:
    import tempfile  # only who writes pays for its import

    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _to_json(profile: Profile) -> dict[str, Any]:
    return {
        "url": str(profile.address),
        "key": profile.key,
        "username": profile.username,
        "insecure": profile.insecure,
        "cacerts": profile.cacerts,
        "description": profile.description,
    }


def _from_json(name: str, stored: Mapping[str, Any]) -> Profile:
    return Profile(
        name=name,
        address=parse_address(stored["url"]),
        key=stored["key"],
        username=stored.get("username", ""),
        insecure=bool(stored.get("insecure", False)),
        cacerts=stored.get("cacerts", ""),
        description=stored.get("description") or {},
    )
