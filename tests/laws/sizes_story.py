"""What may happen to claims, and machines that get other sizes in between."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import precondition, rule

from innkeeper.errors import Conflict, OverLimit
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import PowerState
from innkeeper.operations import resize
from innkeeper.operations.resize import RESIZE
from innkeeper.store.operations import State
from tests.laws.claims_story import ANY, ERROR, Story, pick
from tests.laws.reality import held


class SizesStory(Story):
    """The story of claims with one more rule."""

    @precondition(lambda self: self._composed())
    @rule(which=ANY, cores=st.integers(1, 8), memory=st.integers(1, 8), failed=st.booleans())
    def resize(self, which: int, cores: int, memory: int, failed: bool) -> None:
        one = pick(self._composed(), which)
        real = next(real for real in self.hosts if real.id == one.host_id)
        more = {"cores": cores - one.cores, "memory": memory * 1024 - one.memory}
        limits, used = real.limits(), self.database.ask(held, real)
        fits = all(amount <= 0 or used[name] + amount <= limits[name] for name, amount in more.items())
        sizes: dict[str, Any] = {"cores": cores, "memory": memory * 1024}
        try:
            id = self.database.transact(resize.submit, one, **sizes, actor="admin")
        except OverLimit:
            assert not fits, (more, used, limits)
            return
        except Conflict:
            assert one.status != Status.READY or one.power_state != PowerState.OFF
            return
        assert fits, (more, used, limits)
        there = real.instances.get(("default", one.instance))
        if failed or there is None or there.tag("machine") != one.system_id:
            self._end(id, State.FAILED, lambda write, work: RESIZE.abandon(write, work, ERROR))
        else:
            real.instances[there.key] = replace(there, **sizes)
            self._end(id, State.DONE, RESIZE.finish)
