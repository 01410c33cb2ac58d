"""The steps of operations, folded from the events that tell of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

State = Literal["running", "done", "undoing", "undone", "failed"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of one operation; `began` and `ended` are seconds of a clock that only runs forward."""

    operation: str
    subject: str
    name: str
    state: State
    text: str
    began: float
    ended: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the step still goes on."""
        return self.ended is None


Steps = tuple[Step, ...]


def advance(steps: Steps, event: Mapping[str, Any], *, now: float) -> Steps:
    """The steps after one event. An operation has at most one open step, none once it ended."""
    operation = str(event.get("operation") or "")
    told = str(event.get("state") or "")
    name, text = str(event.get("step") or ""), str(event.get("text") or "")
    current = next((step for step in steps if step.operation == operation and step.is_open), None)
    fresh = Step(
        operation=operation,
        subject=str(event.get("subject") or ""),
        name=name,
        state="undoing" if told == "undoing" else "running",
        text=text,
        began=now,
    )
    if told in ("running", "undoing"):
        if current and (current.name, current.state) == (name, fresh.state):
            return _put(steps, current, replace(current, text=text or current.text))
        went_well = told == "running"
        return (*(_close(steps, current, went_well=went_well, now=now) if current else steps), fresh)
    if told == "done":
        if current:
            return _close(steps, current, went_well=True, now=now)
        return (*steps, replace(fresh, name=name or "done", state="done", ended=now))
    if told == "failed":
        if current and current.state == "running":
            return _put(steps, current, replace(current, state="failed", text=text or current.text, ended=now))
        steps = _close(steps, current, went_well=False, now=now) if current else steps
        return (*steps, replace(fresh, name=name or "failed", state="failed", ended=now))
    return steps


def settled(steps: Steps) -> bool:
    """Whether no operation that was seen goes on."""
    return not any(step.is_open for step in steps)


def _close(steps: Steps, current: Step, *, went_well: bool, now: float) -> Steps:
    state: State
    if current.state == "undoing":
        state = "undone"
    else:
        state = "done" if went_well else "failed"
    return _put(steps, current, replace(current, state=state, ended=now))


def _put(steps: Steps, old: Step, new: Step) -> Steps:
    return tuple(new if step is old else step for step in steps)
