"""A VM that was there before us: nobody touches it until somebody unlocks it; then it is a machine like others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from innkeeper.operations import decompose
from innkeeper.store import machines
from innkeeper.store.operations import State
from innkeeper.store.tables import claim
from tests.laws.scenarios import FOREIGN
from tests.laws.stage import Stage
from tests.laws.test_races import rows


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("marks", [(), (("installation", "another"), ("machine", "zzzzzz"))], ids=["plain", "marked"])
async def test_an_unlocked_one_can_be_removed(stage: Stage, forced: bool, marks: tuple[tuple[str, str], ...]) -> None:
    """Whatever marks it carries: of another installation, or of the machine that it is a copy of."""
    stage.change("alpha", lambda state: state.instances.update({"default/theirs": replace(FOREIGN, tags=marks)}))
    await stage.add_host()
    database = stage.services.database
    one = database.ask(machines.named, "theirs")
    assert one is not None
    database.transact(machines.update, one.system_id, locked=False)
    id = database.transact(decompose.submit, replace(one, locked=False), forced=forced, actor="admin")
    assert (await stage.run(id)).state == State.DONE
    assert stage.see("alpha").instances == {}
    assert rows(stage, claim) == []
    assert database.ask(machines.named, "theirs") is None
