"""Machines as who looks has them before them: what can be done with each is told by it. A fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from innkeeper.api.auth import Actor
from innkeeper.model.machine import Machine
from innkeeper.store import hosts, machines, unfinished
from innkeeper.web.machine_case import Case


def cases(sql: sa.Connection, who: Actor, many: Sequence[Machine]) -> list[Case]:
    """A case for each machine, in their order."""
    if not many:
        return []
    ids = [one.system_id for one in many]
    there = {one.id: one for one in hosts.some(sql, ids={one.host_id or 0 for one in many}, system_ids=())}
    before, work = machines.statuses_before(sql, ids), unfinished.kinds(sql, ids)
    return [
        Case(
            one=one,
            who=who,
            host=there.get(one.host_id or 0),
            before=before.get(one.system_id),
            work=work[one.system_id],
        )
        for one in many
    ]
