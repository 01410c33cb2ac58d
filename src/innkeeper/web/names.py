"""What instances are called for who looks: another user's machine has no name for a user, and no page."""

from __future__ import annotations

from dataclasses import dataclass

from innkeeper.api.auth import Actor
from innkeeper.api.v1.access import viewer
from innkeeper.store.holders import Holder
from innkeeper.store.visibility import sees


@dataclass(frozen=True, kw_only=True)
class Name:
    """An instance: how it is called, its page ("" none), whether it is a machine of ours, whether it may be named."""

    text: str
    link: str = ""
    ours: bool = False
    known: bool = True


def name_of(one: Holder, who: Actor) -> Name:
    """An instance on a host, for who looks."""
    if one.system_id is None:
        return Name(text=f"{one.instance} (project {one.project})", ours=one.holding.ours)
    if sees(viewer(who), one.owner_id):
        return Name(text=one.hostname, link=f"/machines/{one.system_id}", ours=one.holding.ours)
    return Name(text="another user's machine", ours=one.holding.ours, known=False)
