"""What a profile's server offers: from the stored description, read anew when that is out of date."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from innkeeper.cli.describe import read_resources
from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.profiles import Profile, edited_profiles
from innkeeper.cli.wire import Request, call


class Catalogue:
    """The resources of one profile, by command name."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.resources = read_resources(profile.description)
        self._asked = False

    def renew(self) -> None:
        """Read the description anew, at most once; silent when the server cannot be asked."""
        if self._asked:
            return
        self._asked = True
        try:
            description = fetch_description(self.profile)
            self.resources = read_resources(description)
            self.profile = replace(self.profile, description=description)
            store_description(profile=self.profile)
        except CommandFailed:
            # The command at hand has its own outcome, and that is what must be told.
            return


def fetch_description(profile: Profile) -> Mapping[str, Any]:
    """The server's describe document, checked for its shape. Raises CommandFailed."""
    answer = call(profile=profile, request=Request(method="GET", target=f"{profile.api}describe/"))
    if not answer.ok:
        raise unexpected(profile=profile, path="describe/", status=answer.status, text=answer.text)
    try:
        description = json.loads(answer.body)
    except ValueError:
        raise unexpected(profile=profile, path="describe/", status=answer.status, text=answer.text) from None
    read_resources(description)
    return dict(description)


def store_description(*, profile: Profile) -> None:
    """Keep the profile's description; a profile that was logged out meanwhile stays so."""
    with edited_profiles() as profiles:
        if stored := profiles.get(profile.name):
            profiles[profile.name] = replace(stored, description=profile.description)


def unexpected(*, profile: Profile, path: str, status: int, text: str) -> CommandFailed:
    """The error for an answer that a MAAS API would not give."""
    return CommandFailed(
        f"{profile.address}/ does not answer like a MAAS API.",
        details=f"GET {profile.api}{path}: {status} {' '.join(text.split())[:200]}".strip(),
        resolution="Check the address; it usually ends in /MAAS",
    )
