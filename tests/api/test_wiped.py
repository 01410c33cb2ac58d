"""Whatever is done with a machine: it is never Ready with what an owner of it left on its disks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from innkeeper.hypervisors.simulated_world import Fault, World
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import InstanceFacts, PowerState
from innkeeper.operations import arrivals
from innkeeper.store import unfinished
from tests.api.facts import live
from tests.kit.client import Client
from tests.kit.deployments import give_image, status, until_status
from tests.kit.house import Inn, inn
from tests.kit.until import until

OPS = ("power_on", "power_off", "release", "abort", "mark_broken", "mark_fixed", "commission")
MOVES = (*OPS, "allocate", "deploy", "arrive", "cut start", "vanish", "return")

# What leads somewhere only together, and every move alone. A machine that somebody has is where it gets interesting.
PHRASES = (
    *((move,) for move in MOVES),
    ("mark_broken", "mark_fixed"),
    ("mark_broken", "commission"),
    ("vanish", "mark_broken"),
    ("return", "mark_fixed"),
    ("power_on", "power_off"),
    ("allocate", "power_on"),
)
BEGINNINGS = (
    ("allocate",),
    ("allocate", "power_on"),
    ("allocate", "power_on", "power_off"),
    ("allocate", "deploy"),
    ("allocate", "deploy", "arrive"),
)


@dataclass
class Walk:
    """One machine on its way through life. `left`: the marks of root disks and volumes that somebody's guest ran on."""

    house: Inn
    users: tuple[Client, ...]
    system_id: str
    name: str
    left: set[str] = field(default_factory=set)
    away: InstanceFacts | None = None
    told: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"machines/{self.system_id}/"

    async def go(self, move: str, who: int) -> None:
        """Make a move, allowed or not, and see what it led to."""
        if move in OPS:
            await self.ask(self.house.admin, move)
        elif move == "allocate":
            await self.ask(self.users[who], "allocate", path="machines/", system_id=self.system_id)
        elif move == "deploy":
            await self.ask(self.house.admin, "deploy", distro_series="tiny")
        elif move == "arrive":
            self.house.house.services.database.transact(arrivals.arrived, self.system_id, how="it called")
        elif move == "cut start":
            self.world(lambda state: state.faults.append(Fault(call="start", kind="cut", when="after", name=self.name)))
            await self.ask(self.house.admin, "power_on")
            self.world(lambda state: state.faults.clear())
        else:
            await (self.vanish() if move == "vanish" else self.come_back())
        await self.settle()
        now = await status(self.house, self.system_id)
        self.told.append(f"{move}: {now}")
        self.look(now, owned=(await self.house.admin.get(self.path))["owner"] is not None)

    async def ask(self, client: Client, op: str, *, path: str = "", **fields: Any) -> None:
        answer = await client.call("POST", path or self.path, op=op, **fields)
        assert answer.status_code in (200, 400, 403, 404, 409, 503), (op, answer.text)

    async def settle(self) -> None:
        database = self.house.house.services.database

        async def idle() -> bool:
            return not database.ask(unfinished.of_machine, self.system_id)

        await until(idle, what=f"{self.told}")

    def world(self, change: Any) -> None:
        self.house.change("alpha", change)

    async def vanish(self) -> None:
        def take(state: World) -> None:
            self.away = state.instances.pop(f"default/{self.name}", self.away)
            state.tell("instance-deleted", "default", self.name)

        if self.away is None:
            self.world(take)
            if await status(self.house, self.system_id) not in ("Missing", "Failed commissioning"):
                await until_status(self.house, self.system_id, "Missing")

    async def come_back(self) -> None:
        def bring(state: World) -> None:
            if self.away is not None:
                state.instances.setdefault(f"default/{self.name}", replace(self.away, power=PowerState.OFF))
                state.tell("instance-created", "default", self.name)

        if self.away is not None:
            self.world(bring)
            self.away = None
            if await status(self.house, self.system_id) == "Missing":

                async def found() -> bool:
                    return await status(self.house, self.system_id) != "Missing"

                await until(found)

    def look(self, now: str, *, owned: bool) -> None:
        """Who runs it leaves something; who could take it finds nothing."""
        state = self.house.see("alpha")
        there = state.instances.get(f"default/{self.name}")
        marks = {f"root {there.tag('operation')}"} if there is not None else set()
        for volume in state.volumes.values():
            if dict(volume.tags)["machine"] == self.system_id:
                marks.add(f"volume {dict(volume.tags)['operation']}")
        if now == Status.READY.label:
            assert not self.left & marks, self.told
        elif there is not None and there.power == PowerState.ON and owned:
            self.left |= marks


@pytest.mark.slow
def test_never_ready_with_what_an_owner_left(tmp_path: Path) -> None:
    """Over any moves of a machine's life, in any order; refused ones among them."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        house: Inn = runner.run(stack.enter_async_context(inn(tmp_path)))
        users = house.client(username="ann"), house.client(username="bob")
        host = runner.run(house.add_host())
        runner.run(live(house, host))
        give_image(house, our_end="")

        async def walk(moves: list[tuple[str, int]]) -> None:
            system_id = await house.admin.compose(host, cores=1, memory=1024, storage="root:1,data:1")
            name = (await house.admin.get(f"machines/{system_id}/"))["hostname"]
            one = Walk(house=house, users=users, system_id=system_id, name=name)
            try:
                for move, who in moves:
                    await one.go(move, who)
            finally:
                await house.admin.delete(one.path)

        ran, broken = BEGINNINGS[2], ("mark_broken", "mark_fixed")

        @settings(max_examples=30, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
        @example(ran, (broken, ("allocate",)), 1)
        @example(ran, (("mark_broken", "commission"), ("allocate",)), 1)
        @example(ran, (("vanish", "mark_broken"), ("return", "mark_fixed")), 0)
        @given(st.sampled_from(BEGINNINGS), st.permutations(PHRASES), st.integers(0, 1))  # no phrase twice: more is met
        def walks(begin: tuple[str, ...], rest: Sequence[tuple[str, ...]], who: int) -> None:
            runner.run(walk([(move, 0) for move in begin] + [(move, who) for phrase in rest[:6] for move in phrase]))

        try:
            walks()
        finally:
            runner.run(stack.aclose())


@pytest.mark.parametrize("ran", [("power_on", "power_off"), ("power_on",)], ids=["off", "on"])
@pytest.mark.parametrize("mended", ["mark_fixed", "commission"])
async def test_a_broken_machine_that_ran_is_wiped_before_it_is_ready(
    house: Inn, mended: str, ran: tuple[str, ...]
) -> None:
    """Its root disk and its data volume are new, and the next user has it."""
    host = await house.add_host()
    system_id = await house.admin.compose(host, hostname="web", storage="root:8,data:5")
    ann, path = house.client(username="ann"), f"machines/{system_id}/"
    await ann.post("machines/", op="allocate", system_id=system_id)
    for op in (*ran, "mark_broken"):
        await ann.post(path, op=op)
    before = house.see("alpha")
    asked = await house.admin.post(path, op=mended)
    assert asked["status_name"] in ("Releasing", "Commissioning")
    await until_status(house, system_id, "Ready")
    after = house.see("alpha")
    assert after.instances["default/web"].tag("operation") != before.instances["default/web"].tag("operation")
    assert after.instances["default/web"].power == PowerState.OFF
    assert [dict(one.tags)["operation"] for one in after.volumes.values()] != [
        dict(one.tags)["operation"] for one in before.volumes.values()
    ]
    await house.client(username="bob").post("machines/", op="allocate", system_id=system_id)


@pytest.mark.parametrize("mended", ["mark_fixed", "commission"])
async def test_a_broken_machine_that_never_ran_is_left_alone(house: Inn, mended: str) -> None:
    system_id = await house.admin.compose(await house.add_host(), hostname="web", storage="root:8,data:5")
    before = house.see("alpha")
    for op in ("mark_broken", mended):
        await house.admin.post(f"machines/{system_id}/", op=op)
    await until_status(house, system_id, "Ready")
    after = house.see("alpha")
    assert (after.instances, after.volumes) == (before.instances, before.volumes)


async def test_what_was_put_on_the_host_is_not_there_for_the_next_when_a_start_was_cut(house: Inn) -> None:
    """Whether the host did it is not known: it counts as done."""
    system_id = await house.admin.compose(await house.add_host(), hostname="web")
    path = f"machines/{system_id}/"
    await house.admin.post("machines/", op="allocate", system_id=system_id)
    house.change("alpha", lambda state: state.faults.append(Fault(call="start", kind="refuse", name="web")))
    assert (await house.admin.call("POST", path, op="power_on")).status_code == 503
    made = house.see("alpha").instances["default/web"].tag("operation")
    assert (await house.admin.post(path, op="release"))["status_name"] == "Releasing"
    await until_status(house, system_id, "Ready")
    assert house.see("alpha").instances["default/web"].tag("operation") != made
