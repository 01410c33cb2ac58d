"""Do and undo: how an operation finishes or leaves a clean world.

    do 0 → do 1 → do 2 → finish            the row ends `done`
              ✗ → undo 1 → undo 0 → abandon   … or `failed`, and nothing is left

The operation's row names the step it is at and whether it goes forward or back. Each move is one commit, so
after any crash the row is the truth and the step it names is performed again. Therefore every action must be
repeatable, and the step that failed is undone too: it may have half happened.

A step that `persists` lies past the point of no return (something was destroyed): it is tried again for as
long as it takes, as undos are. Waiting between tries costs nothing: the row is let go (parked) meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from innkeeper.errors import ErrorRecord, as_record
from innkeeper.store.database import Write
from innkeeper.store.operations import ABANDON, FINISH, Operation, State

log = structlog.get_logger(__name__)

Action = Callable[[Any], Awaitable[None]]
Finish = Callable[[Write, Any], None]
Abandon = Callable[[Write, Any, ErrorRecord], None]

CANCELLED = ErrorRecord("Conflict", "Cancelled.")


async def nothing(_context: Any) -> None:
    """The undo of a step that leaves nothing behind."""


def keep(_write: Write, _context: Any) -> None:
    """The ending of an operation that has nothing to write."""


def give_up(_write: Write, _context: Any, _error: ErrorRecord) -> None:
    """The abandon of an operation that has nothing to give back."""


@dataclass(frozen=True)
class Step:
    """One thing done, and its undo. Both may run any number of times."""

    name: str
    do: Action
    undo: Action = nothing
    persists: bool = False


class Place(Protocol):
    """Where an operation is. Moving is a commit, and only its owner can; everybody else is Lost."""

    row: Operation

    async def move(
        self,
        state: State,
        step: str,
        *,
        error: ErrorRecord | None = None,
        closing: Callable[[Write], None] | None = None,
    ) -> None: ...

    async def park(self, trouble: str) -> None: ...


@dataclass(frozen=True)
class Saga:
    """An operation's plan: linear, no branches, no loops. `finish` and `abandon` write in the closing commit."""

    kind: str
    steps: tuple[Step, ...]
    finish: Finish = keep
    abandon: Abandon = give_up

    @property
    def first(self) -> str:
        """The name of the place where it begins."""
        return self.steps[0].name

    async def run(self, context: Any, at: Place) -> None:
        """Go on from where the row is until the operation has ended (or is parked, or lost)."""
        while at.row.state == State.RUNNING:
            await self._forward(context, at)
        while at.row.state == State.UNDOING:
            await self._back(context, at)

    def _index(self, name: str) -> int:
        """Where a step is today: found by name, so that a newer version finds its place in an old row."""
        if name == FINISH:
            return len(self.steps)
        if name == ABANDON:
            return -1
        return next(i for i, step in enumerate(self.steps) if step.name == name)

    def _name(self, index: int) -> str:
        if index < 0:
            return ABANDON
        return self.steps[index].name if index < len(self.steps) else FINISH

    async def _forward(self, context: Any, at: Place) -> None:
        index = self._index(at.row.step)
        if index == len(self.steps):
            await self._end(context, at)
            return
        step = self.steps[index]
        if at.row.cancelled and not step.persists:
            await at.move(State.UNDOING, step.name, error=CANCELLED)  # a dead process may have begun this step
            return
        try:
            await step.do(context)
        except Exception as error:
            record = as_record(error)
            log.warning("step failed", operation=at.row.id, kind=self.kind, step=step.name, error=str(error))
            if step.persists:
                await at.park(_words(record))
            else:
                await at.move(State.UNDOING, step.name, error=record)
            return
        if index + 1 < len(self.steps):
            await at.move(State.RUNNING, self._name(index + 1))
        else:  # in the same commit: a crash before it repeats the last step, as it would any other
            await self._end(context, at)

    async def _end(self, context: Any, at: Place) -> None:
        await at.move(State.DONE, FINISH, closing=lambda write: self.finish(write, context))

    async def _back(self, context: Any, at: Place) -> None:
        index = self._index(at.row.step)
        if index < 0:
            error = at.row.error or CANCELLED
            await at.move(State.FAILED, ABANDON, closing=lambda write: self.abandon(write, context, error))
            return
        step = self.steps[index]
        try:
            await step.undo(context)
        except Exception as error:
            log.warning("undo failed, will try again", operation=at.row.id, step=step.name, error=str(error))
            await at.park(_words(as_record(error)))
            return
        await at.move(State.UNDOING, self._name(index - 1))


def _words(record: ErrorRecord) -> str:
    return " ".join(part for part in (record.brief, record.details) if part)
