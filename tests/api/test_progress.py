"""What a client that follows an operation sees: every step by its name, from the first one on."""

from __future__ import annotations

from innkeeper.operations.compose import COMPOSE
from innkeeper.store import events
from tests.kit.house import Inn


async def test_every_step_of_an_operation_is_told(house: Inn) -> None:
    host = await house.add_host()
    system_id = await house.admin.compose(host, hostname="web1")
    told = [
        event
        for event in house.house.services.database.ask(events.after, cursor=0, kind="operation", system_id=system_id)
        if event.what == "compose"
    ]
    names = [step.name for step in COMPOSE.steps]
    assert [event.step for event in told][: len(names)] == names
    assert [event.state for event in told] == ["running"] * (len(told) - 1) + ["done"]
