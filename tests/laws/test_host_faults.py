"""The faults of the host itself: whatever an operation asks of it may be refused, or cut before or after it is done."""

from __future__ import annotations

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.operations.saga import Saga
from innkeeper.operations.table import SAGAS
from innkeeper.store.operations import Operation, State
from tests.laws.scenarios import Scenario, scenario_of
from tests.laws.stage import Stage
from tests.laws.test_sagas import seen, speaks
from tests.laws.world import everything, likeness

pytestmark = pytest.mark.slow
BESIDE = {"console"}  # asked by who watches a deployment, in a moment of its own: not a request of the operation


@pytest.mark.parametrize("saga", [pytest.param(one, id=one.kind) for one in SAGAS.values() if speaks(one)])
@pytest.mark.parametrize("kind", ["refuse", "cut"])
async def test_every_request_to_the_host_may_fail(stage: Stage, saga: Saga, kind: str) -> None:
    """Each request that the operation makes."""
    scenario = scenario_of(saga)
    await stage.reset()
    order = await scenario.tell(stage)
    calls = {name: dict(stage.see(name).calls) for name in ("alpha", "beta") if stage.file(name).exists()}
    await stage.run(order())
    end = likeness(stage, everything(stage))
    made = [
        (name, call)
        for name, before in calls.items()
        for call, count in stage.see(name).calls.items()
        if count > before.get(call, 0) and call not in BESIDE
    ]
    assert made
    for name, call in made:
        for when in ("before", "after"):
            fault = Fault(call=call, kind=kind, when=when)
            ended = await _with_fault(stage, scenario, name, fault)
            if ended.state == State.DONE:  # tolerated, or tried again
                assert likeness(stage, everything(stage)) == end or call == "forget", (name, fault)


async def _with_fault(stage: Stage, scenario: Scenario, name: str, fault: Fault) -> Operation:
    await stage.reset()
    order = await scenario.tell(stage)
    before = seen(stage, scenario)
    stage.change(name, lambda state: state.faults.append(fault))
    ended = await stage.run(order())
    assert stage.see(name).faults == [], (name, fault)
    if ended.state == State.FAILED:
        assert seen(stage, scenario) == before, (name, fault)
    return ended
