"""Threads of a host that a machine is pinned to: as a text of numbers and ranges, and as a map by NUMA node."""

from __future__ import annotations

import re
from dataclasses import dataclass

from innkeeper.errors import Invalid
from innkeeper.placement.fit import Candidate
from innkeeper.web.formats import ranges

_PIECE = re.compile(r"([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?")
_MOST = 4096


@dataclass(frozen=True, kw_only=True)
class Core:
    """A thread of a host. `holder`: the instance that is pinned to it, "" none."""

    id: int
    holder: str = ""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A NUMA node with its threads that are online."""

    id: int
    cores: tuple[Core, ...]

    @property
    def free(self) -> str:
        """Those that nobody is pinned to, as a text."""
        return ranges([one.id for one in self.cores if not one.holder])


def nodes_of(candidate: Candidate) -> tuple[Node, ...]:
    """The map of a host; nothing while it has not told its threads."""
    return tuple(
        Node(
            id=node.id,
            cores=tuple(
                Core(id=thread.id, holder=candidate.pinned_by.get(thread.id, ""))
                for thread in sorted(node.threads, key=lambda one: one.id)
                if thread.online
            ),
        )
        for node in candidate.inventory.numa_nodes
    )


def cores_of(text: str) -> tuple[int, ...]:
    """ "0-2, 4" as 0, 1, 2, 4; a range may be turned round. Invalid for what cannot be read, or names one twice."""
    found: list[int] = []
    for piece in (one.strip() for one in text.split(",")):
        match = _PIECE.fullmatch(piece)
        if match is None:
            raise Invalid(f"{piece[:40]!r} is no core: write numbers and ranges, such as 0-2,4." if piece else _NONE)
        first, last = sorted((int(match[1]), int(match[2] or match[1])))
        found += range(first, last + 1)
        if len(found) > _MOST:
            raise Invalid(f"A machine is pinned to {_MOST} cores at most.")
    if twice := sorted({one for one in found if found.count(one) > 1} if len(found) != len(set(found)) else ()):
        raise Invalid(f"Named twice: {ranges(twice)}.")
    return tuple(found)


_NONE = "Name the cores: numbers and ranges, such as 0-2,4."
