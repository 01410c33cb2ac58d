"""Which events and operations a user may see: those of hosts, of their own and of unowned machines, and what they did.

Administrators see everything. Others' machines are not there for a user, and neither is what happens to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from innkeeper.store.tables import machine


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """A user who is no administrator."""

    user_id: int
    username: str


def sees(viewer: Viewer | None, owner_id: int | None) -> bool:
    """Whether a machine of this owner (None: nobody's) is there for who looks."""
    return viewer is None or owner_id in (None, viewer.user_id)


def visible(columns: Any, viewer: Viewer | None) -> sa.ColumnElement[bool]:
    """The condition on rows with the columns `system_id` and `actor`; None sees all."""
    if viewer is None:
        return sa.true()
    m = machine.c
    theirs = sa.select(m.system_id).where(sa.or_(m.owner_id.is_(None), m.owner_id == viewer.user_id))
    return sa.or_(columns.system_id == "", columns.actor == viewer.username, columns.system_id.in_(theirs))
