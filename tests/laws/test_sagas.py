"""The three laws, over every operation and every step there is: read from the table of sagas, not listed here.

Every step can be repeated. A failure at every step leaves a clean world. Every undo can be repeated.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from innkeeper.errors import HostRefused, HostUnreachable
from innkeeper.operations.context import Work
from innkeeper.operations.engine import Lost
from innkeeper.operations.saga import Saga, Step, nothing
from innkeeper.operations.table import SAGAS
from innkeeper.store import operations
from innkeeper.store.operations import State
from tests.laws.scenarios import SCENARIOS, Scenario, scenario_of
from tests.laws.stage import Stage
from tests.laws.world import World, everything, likeness, without

pytestmark = pytest.mark.slow

EVERY_STEP = [pytest.param(saga, step, id=f"{saga.kind}-{step.name}") for saga in SAGAS.values() for step in saga.steps]
EVERY_UNDO = [
    pytest.param(saga, step, id=f"{saga.kind}-{step.name}")
    for saga in SAGAS.values()
    for step in saga.steps
    if step.undo is not nothing
]


def speaks(saga: Saga) -> bool:
    """Whether it speaks to a host at all."""
    return saga.kind not in SCENARIOS or not SCENARIOS[saga.kind].hostless


def changes(saga: Saga) -> bool:
    """Whether it changes its host."""
    one = SCENARIOS.get(saga.kind)
    return one is None or not (one.only_reads or one.leaves_host)


Action = Callable[[Any], Awaitable[None]]


def with_step(saga: Saga, step: Step) -> dict[str, Saga]:
    """All sagas, with this step in place of the one of its name."""
    steps = tuple(step if one.name == step.name else one for one in saga.steps)
    return SAGAS | {saga.kind: replace(saga, steps=steps)}


def anew(work: Work) -> Work:
    """The same work as another process would take it up: nothing remembered."""
    return Work(operation=work.operation, services=work.services, guard=work.guard)


def failing_once(action: Action, *, error: Exception, when: str) -> Action:
    """An action that fails before or after it is done; the second time it does not."""
    failed: list[str] = []

    async def act(work: Work) -> None:
        if not failed and when == "before":
            failed.append(when)
            raise error
        await action(work)
        if not failed:
            failed.append(when)
            raise error

    return act


def twice(action: Action) -> Action:
    async def act(work: Work) -> None:
        await action(work)
        await action(anew(work))

    return act


def seen(stage: Stage, scenario: Scenario) -> World:
    """The world, as far as a failure must leave it alone."""
    found = without(everything(stage), *scenario.loose)
    if scenario.power_is_free:
        for state in found["hosts"].values():
            for instance in state["instances"].values():
                del instance["power"]
    if scenario.makes_anew:
        for state in found["hosts"].values():
            for instance in state["instances"].values():
                instance["tags"] = [tag for tag in instance["tags"] if tag[0] != "operation"]
    return found


async def clean_end(stage: Stage, scenario: Scenario) -> list[str]:
    """How the world looks when nothing goes wrong."""
    await stage.reset()
    order = await scenario.tell(stage)
    ended = await stage.run(order())
    assert ended.state == State.DONE, ended
    scenario.done(stage)
    return likeness(stage, everything(stage))


async def same_end(stage: Stage, scenario: Scenario, end: list[str]) -> None:
    scenario.done(stage)
    assert likeness(stage, everything(stage)) == end


@pytest.mark.parametrize(("saga", "step"), EVERY_STEP)
async def test_every_step_can_be_repeated(stage: Stage, saga: Saga, step: Step) -> None:
    scenario = scenario_of(saga)
    end = await clean_end(stage, scenario)
    await stage.reset()
    order = await scenario.tell(stage)
    ended = await stage.run(order(), sagas=with_step(saga, replace(step, do=twice(step.do))))
    assert ended.state == State.DONE, ended
    await same_end(stage, scenario, end)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("saga", "step"), EVERY_STEP)
async def test_a_failure_at_every_step_leaves_a_clean_world(stage: Stage, saga: Saga, step: Step, when: str) -> None:
    scenario = scenario_of(saga)
    end = await clean_end(stage, scenario) if step.persists or scenario.only_reads else []
    for error in (HostRefused("The host refused.", details="no"), HostUnreachable("The connection was cut.")):
        await stage.reset()
        order = await scenario.tell(stage)
        before = seen(stage, scenario)
        broken = replace(step, do=failing_once(step.do, error=error, when=when))
        ended = await stage.run(order(), sagas=with_step(saga, broken))
        if step.persists:  # past the point of no return it goes on until it is done
            assert ended.state == State.DONE, ended
            await same_end(stage, scenario, end)
        else:
            assert (ended.state, ended.error) == (State.FAILED, error.record())
            if scenario.only_reads and when == "after":
                await same_end(stage, scenario, end)
            else:
                assert seen(stage, scenario) == before


@pytest.mark.parametrize(("saga", "step"), EVERY_UNDO)
async def test_every_undo_can_be_repeated(stage: Stage, saga: Saga, step: Step) -> None:
    """Twice in a row, then it fails at its end and is done once more."""
    scenario = scenario_of(saga)
    await stage.reset()
    order = await scenario.tell(stage)
    before = seen(stage, scenario)
    error = HostUnreachable("The connection was cut.")
    broken = replace(
        step,
        do=failing_once(step.do, error=error, when="after"),
        undo=failing_once(twice(step.undo), error=error, when="after"),
    )
    ended = await stage.run(order(), sagas=with_step(saga, broken))
    assert ended.state == State.FAILED, ended
    assert seen(stage, scenario) == before


@pytest.mark.parametrize(("saga", "step"), EVERY_STEP)
async def test_cancelled_at_every_step(stage: Stage, saga: Saga, step: Step) -> None:
    """The flag is set while the step is at work. Then it is undone, or past the point of no return it goes on."""
    scenario = scenario_of(saga)
    await stage.reset()
    order = await scenario.tell(stage)
    before = seen(stage, scenario)

    async def cancelled(work: Work) -> None:
        await step.do(work)
        await work.write(operations.cancel, id=work.operation.id, actor="admin")

    ended = await stage.run(order(), sagas=with_step(saga, replace(step, do=cancelled)))
    rest = saga.steps[saga.steps.index(step) + 1 :]
    if rest and not rest[0].persists:
        assert ended.state == State.FAILED, ended
        assert ended.error is not None
        assert ended.error.brief == "Cancelled."
        assert seen(stage, scenario) == before
    else:
        assert ended.state == State.DONE, ended
        scenario.done(stage)


@pytest.mark.parametrize("saga", [pytest.param(one, id=one.kind) for one in SAGAS.values() if changes(one)])
async def test_no_host_is_changed_without_the_lease(stage: Stage, saga: Saga) -> None:
    """Every request that changes a host is preceded by the guard."""
    scenario, refused = scenario_of(saga), Refusal()
    await stage.reset()
    order = await scenario.tell(stage)
    before = everything(stage)["hosts"]
    engine = stage.engine(guard=refused)
    await engine.start()
    order()
    await stage.until(lambda: refused.times)
    await engine.stop()
    assert everything(stage)["hosts"] == before


@pytest.mark.parametrize(("saga", "step"), EVERY_UNDO)
async def test_no_host_is_changed_back_without_the_lease(stage: Stage, saga: Saga, step: Step) -> None:
    """The lease is lost while the step is at work; its undo, if it speaks to the host, must not begin."""
    scenario, refused, seen_then = scenario_of(saga), Refusal(active=False), []
    await stage.reset()
    order = await scenario.tell(stage)

    async def loses(work: Work) -> None:
        await step.do(work)
        seen_then.append(everything(stage)["hosts"])
        refused.active = True
        raise HostRefused("The host refused.")

    engine = stage.engine(with_step(saga, replace(step, do=loses)), guard=refused)
    await engine.start()
    id = order()
    await stage.until(lambda: refused.times or stage.find(id).state == State.FAILED)
    await engine.stop()
    assert everything(stage)["hosts"] == seen_then[0]


@dataclass
class Refusal:
    """A guard that refuses, and counts it."""

    active: bool = True
    times: int = 0

    def __call__(self) -> None:
        if self.active:
            self.times += 1
            raise Lost


def test_a_kind_of_operation_without_a_scenario_is_named() -> None:
    with pytest.raises(AssertionError, match="no scenario for the operation 'dance'"):
        scenario_of(Saga("dance", steps=()))
