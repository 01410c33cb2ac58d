"""An operation as people watch it: its steps, which is being done, which was undone, and how long each took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from innkeeper.operations.saga import CANCELLED
from innkeeper.operations.table import SAGAS
from innkeeper.store.events import Event
from innkeeper.store.operations import ENDED, Operation, State


class Stage(StrEnum):
    """How far a step is. The words are shown."""

    DONE = "done"
    NOW = "now"
    NEXT = "to do"
    FAILED = "failed"
    CANCELLED = "cancelled here"
    UNDOING = "being undone"
    UNDONE = "undone"
    SKIPPED = "not done"
    STOPPED = "stopped here"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of an operation. `began`: epoch seconds; `took`: seconds; None: not known, or not yet."""

    name: str
    stage: Stage
    began: float | None = None
    took: float | None = None


def title(kind: str) -> str:
    """The kind of an operation in words: "power_on" is "Power on"."""
    return kind.replace("_", " ").capitalize()


def steps(one: Operation, told: Sequence[Event]) -> list[Step]:
    """The steps of an operation, `told` its events, oldest first."""
    moves = [each for each in told if each.kind == "operation" and each.operation == one.id]
    saga = SAGAS.get(one.kind)
    seen = [each.step for each in moves if each.state == State.RUNNING]
    names = [step.name for step in saga.steps] if saga else list(dict.fromkeys(seen))
    began: dict[str, float] = {}
    for each in moves:
        if each.state == State.RUNNING and each.step in names:
            began.setdefault(each.step, each.at)
    turned = next((each for each in moves if each.state == State.UNDOING), None)
    stages = _stages(one, names, turned)
    ends = _ends(one, names, began, turned)
    return [
        Step(
            name=name,
            stage=stage,
            began=began.get(name),
            took=max(ends[name] - began[name], 0.0) if name in began and name in ends else None,
        )
        for name, stage in zip(names, stages, strict=True)
    ]


def _ends(one: Operation, names: list[str], began: dict[str, float], turned: Event | None) -> dict[str, float]:
    """When each step ended: when the next one began, or all was over, or it turned back."""
    ends = {name: began[after] for name, after in pairwise(names) if after in began}
    if turned is not None:
        ends.setdefault(turned.step, turned.at)
    elif one.ended is not None and names and one.state in ENDED:
        last = next((name for name in reversed(names) if name in began), names[-1])
        ends.setdefault(last, one.ended)
    return ends


def _stages(one: Operation, names: list[str], turned: Event | None) -> list[Stage]:
    if one.state == State.DONE:
        return [Stage.DONE] * len(names)
    at = names.index(one.step) if one.step in names else -1 if one.error else len(names)
    if turned is None or turned.step not in names:  # it never turned back: it runs, was stopped, or was closed by force
        here = {State.RUNNING: Stage.NOW, State.UNDOING: Stage.UNDOING}.get(State(one.state), Stage.STOPPED)
        rest = Stage.SKIPPED if one.state == State.FAILED else Stage.NEXT
        return [Stage.DONE if i < at else here if i == at else rest for i in range(len(names))]
    failed = names.index(turned.step)
    why = Stage.CANCELLED if one.error == CANCELLED else Stage.FAILED
    found = []
    for i in range(len(names)):
        if i > failed:
            found.append(Stage.SKIPPED)
        elif i == at:
            found.append(Stage.STOPPED if one.state == State.STOPPED else Stage.UNDOING)
        elif i == failed:
            found.append(why)
        else:
            found.append(Stage.UNDONE if i > at else Stage.DONE)
    return found
