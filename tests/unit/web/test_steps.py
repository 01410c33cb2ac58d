"""An operation as people watch it: which step is where, and how long each took."""

from __future__ import annotations

from innkeeper.errors import ErrorRecord
from innkeeper.operations.release import RELEASE
from innkeeper.operations.saga import CANCELLED
from innkeeper.store.events import Event
from innkeeper.store.operations import ABANDON, FINISH, Operation, State
from innkeeper.web.steps import Stage, steps, title

NAMES = [step.name for step in RELEASE.steps]
FAILED = ErrorRecord("HostRefused", "The host refused.")


def release(state: State, step: str, *, error: ErrorRecord | None = None, ended: float | None = None) -> Operation:
    return Operation(
        id="one",
        kind="release",
        host_id=1,
        system_id="abcdef",
        state=state,
        step=step,
        error=error,
        trouble="",
        arguments={},
        cancelled=error == CANCELLED,
        owner=None,
        crashes=0,
        attempts=0,
        retry_at=0.0,
        answered=False,
        actor="admin",
        request="",
        created=1.0,
        started=1.0,
        ended=ended,
    )


def moves(*told: tuple[State, str, float]) -> list[Event]:
    return [
        Event(kind="operation", what="release", operation="one", state=state, step=step, at=at)
        for state, step, at in told
    ]


def stages(one: Operation, told: list[Event]) -> list[Stage]:
    found = steps(one, told)
    assert [step.name for step in found] == NAMES
    return [step.stage for step in found]


def test_forward() -> None:
    told = moves((State.RUNNING, NAMES[0], 1.0), (State.RUNNING, NAMES[1], 3.5))
    one = release(State.RUNNING, NAMES[1])
    assert stages(one, told) == [Stage.DONE, Stage.NOW, Stage.NEXT, Stage.NEXT]
    assert [(step.began, step.took) for step in steps(one, told)[:2]] == [(1.0, 2.5), (3.5, None)]


def test_done_at_its_end() -> None:
    told = moves(*((State.RUNNING, name, float(at)) for at, name in enumerate(NAMES)), (State.DONE, FINISH, 9.0))
    one = release(State.DONE, FINISH, ended=9.0)
    assert stages(one, told) == [Stage.DONE] * 4
    assert [step.took for step in steps(one, told)] == [1.0, 1.0, 1.0, 6.0]


def test_back() -> None:
    told = moves(
        (State.RUNNING, NAMES[0], 0.0),
        (State.RUNNING, NAMES[1], 1.0),
        (State.RUNNING, NAMES[2], 2.0),
        (State.UNDOING, NAMES[2], 3.0),
        (State.UNDOING, NAMES[1], 4.0),
    )
    one = release(State.UNDOING, NAMES[1], error=FAILED)
    assert stages(one, told) == [Stage.DONE, Stage.UNDOING, Stage.FAILED, Stage.SKIPPED]
    told += moves((State.UNDOING, NAMES[0], 5.0), (State.FAILED, ABANDON, 6.0))
    over = release(State.FAILED, ABANDON, error=FAILED, ended=6.0)
    assert stages(over, told) == [Stage.UNDONE, Stage.UNDONE, Stage.FAILED, Stage.SKIPPED]


def test_cancelled_says_where() -> None:
    told = moves((State.RUNNING, NAMES[0], 0.0), (State.UNDOING, NAMES[0], 1.0), (State.FAILED, ABANDON, 2.0))
    over = release(State.FAILED, ABANDON, error=CANCELLED, ended=2.0)
    assert stages(over, told)[:2] == [Stage.CANCELLED, Stage.SKIPPED]


def test_stopped_stands_where_it_was() -> None:
    told = moves((State.RUNNING, NAMES[0], 0.0), (State.RUNNING, NAMES[1], 1.0), (State.STOPPED, NAMES[1], 2.0))
    one = release(State.STOPPED, NAMES[1], ended=2.0)
    assert stages(one, told) == [Stage.DONE, Stage.STOPPED, Stage.NEXT, Stage.NEXT]


def test_closed_by_force_is_left_where_it_was() -> None:
    told = moves((State.RUNNING, NAMES[0], 0.0), (State.RUNNING, NAMES[1], 1.0), (State.FAILED, NAMES[1], 2.0))
    one = release(State.FAILED, NAMES[1], error=FAILED, ended=2.0)
    assert stages(one, told) == [Stage.DONE, Stage.STOPPED, Stage.SKIPPED, Stage.SKIPPED]


def test_one_whose_events_were_pruned_has_its_steps_still() -> None:
    assert stages(release(State.DONE, FINISH, ended=2.0), []) == [Stage.DONE] * 4
    assert [step.took for step in steps(release(State.DONE, FINISH, ended=2.0), [])] == [None] * 4


def test_kinds_in_words() -> None:
    assert title("power_on") == "Power on"
