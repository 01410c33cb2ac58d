"""The fleet as one process knows it, for decisions: only what moved is read again (`stamps`)."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from innkeeper.model.allocation import Wish
from innkeeper.model.network_names import Networks
from innkeeper.placement.decide import Decision, Standing, decide
from innkeeper.store import candidates, hosts, networks, stamps

MANY = 100  # hosts read at once, whose objects the garbage collector need not look at again and again


@dataclass(frozen=True, kw_only=True)
class Around:
    """All networks, as they were when they had moved that often."""

    moved: int
    known: Networks

    def still(self, sql: sa.Connection) -> Networks | None:
        """They, unless they have moved since."""
        return self.known if stamps.of(sql, stamps.AROUND) == self.moved else None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A decision, and the networks that it was made by."""

    decision: Decision
    around: Around


class Fleet:
    """Every host as placement sees it. Used by the threads that read, one at a time."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._stamps: dict[int, int] = {}
        self._standings: dict[int, Standing] = {}
        self._around = Networks()
        self._choosing: Counter[int] = Counter()  # machines that are just being claimed, by host

    def choose(self, sql: sa.Connection, wish: Wish, *, without: Mapping[int, str] | None = None) -> Choice:
        """The decision over all hosts as they are now; see `placement.decide`.

        The host that is chosen looks fuller to the next ones until `claimed`: so a burst is spread.
        """
        with self._turn:
            decision = decide(self._now(sql), wish, waiting=dict(self._choosing), without=without)
            if decision.best is not None:
                self._choosing[decision.best.host_id] += 1
            moved = self._stamps.get(stamps.AROUND, 0)
            return Choice(decision=decision, around=Around(moved=moved, known=self._around))

    def claimed(self, choice: Choice) -> None:
        """What was chosen is claimed, or was lost to others."""
        if choice.decision.best is not None:
            with self._turn:
                self._choosing[choice.decision.best.host_id] -= 1

    def standings(self, sql: sa.Connection) -> list[Standing]:
        """All hosts as they are in this transaction, by id."""
        with self._turn:
            return self._now(sql)

    def _now(self, sql: sa.Connection) -> list[Standing]:
        """A stamp is read before what it stands for: what is kept may be newer than its stamp, and never older."""
        now = stamps.all(sql)
        if now.get(stamps.AROUND, 0) != self._stamps.get(stamps.AROUND, 0) or not self._stamps:
            self._stamps, self._standings = {}, {}
            self._around = networks.known(sql)
        moved = [id for id, number in now.items() if id != stamps.AROUND and self._stamps.get(id) != number]
        if moved:
            which = hosts.some(sql, ids=moved, system_ids=())
            for one in candidates.standings(sql, which, known=self._around):
                self._standings[one.candidate.host_id] = _slim(one)
            if len(moved) > MANY:
                gc.freeze()  # a look at what a large fleet holds takes 0.1 s, in the middle of a decision
        for gone in self._standings.keys() - now.keys():
            del self._standings[gone]
        self._stamps = now
        return [self._standings[id] for id in sorted(self._standings)]


def _slim(one: Standing) -> Standing:
    """Without what no decision asks for: nobody names the threads of a host that is not chosen yet."""
    told = replace(one.candidate.inventory, numa_nodes=(), pools=(), projects=(), profiles=())
    return replace(one, candidate=replace(one.candidate, inventory=told, pinned_by={}))
