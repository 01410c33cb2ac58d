"""Which server a command of ours works with, where its name is no part of the command."""

from __future__ import annotations

import os

from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.profiles import Profile, read_profiles


def chosen(name: str | None) -> Profile:
    """The profile of that name; without one that of $INNKEEPER_PROFILE, or the only one. Raises CommandFailed."""
    known = read_profiles()
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if name is None:
        name = os.environ.get("INNKEEPER_PROFILE")
    if name is None and known:
        raise CommandFailed(
            "You are logged in to several servers.",
            details=f"Profiles: {', '.join(sorted(known))}",
            resolution="Say which one: --profile NAME",
        )
    if name is None or name not in known:
        from innkeeper.cli.login import unknown_profile

        raise unknown_profile(name or "default", known=known, program="innkeeper")
    return known[name]
