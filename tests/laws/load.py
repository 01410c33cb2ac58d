"""Load: clients that compose and decompose on every server, and ask again elsewhere when a server dies on them."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx2

from innkeeper.hypervisors.simulated_world import Fault, world
from tests.kit.client import Client
from tests.laws.conftest import Site

FORMS = ({"storage": "root:8"}, {"storage": "root:8,data:5"}, {"storage": "root:8,data:5,more:2"})


def sprinkle(site: Site, host: str, *, seed: int, many: int) -> None:
    """Faults that will strike while composes and decomposes run: refusals and cut connections."""
    chosen = random.Random(seed)
    calls = ("create_volume", "create", "instance", "delete_volume", "delete", "settle")
    faults = [
        Fault(call=chosen.choice(calls), when=chosen.choice(("before", "after")), kind=chosen.choice(("refuse", "cut")))
        for _ in range(many)
    ]
    with world(site.file(host)) as state:
        state.faults = [*state.faults, *faults]


@dataclass
class Load:
    """Clients at work until `stop`. `alive`: the servers that may be asked."""

    site: Site
    hosts: list[int]
    seed: int
    clients: int = 12
    forms: Sequence[dict[str, str]] = FORMS
    statuses: Counter[int] = field(default_factory=Counter)
    longest: float = 0.0
    broken: int = 0  # requests whose server died
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _names: int = 0

    async def run(self) -> None:
        """Until `stop` was called and every client has ended its last turn."""
        async with AsyncExitStack() as stack:
            admins = [await stack.enter_async_context(self.site.admin(one)) for one in self.site.servers]
            chosen = [random.Random(self.seed * 1000 + number) for number in range(self.clients)]
            await asyncio.gather(*(self._client(admins, one) for one in chosen))

    def stop(self) -> None:
        self._stopping.set()

    async def _client(self, admins: list[Client], chosen: random.Random) -> None:
        while not self._stopping.is_set():
            self._names += 1
            name, host = f"vm{self._names}", chosen.choice(self.hosts)
            form = chosen.choice(self.forms) | {"hostname": name}
            made = await self._ask(admins, chosen, "POST", f"vm-hosts/{host}/", op="compose", **form)
            if made is not None and made.status_code == 200 and chosen.random() < 0.6:
                await self._ask(admins, chosen, "DELETE", f"machines/{made.json()['system_id']}/")
            await asyncio.sleep(chosen.random() * 0.1)

    async def _ask(
        self, admins: list[Client], chosen: random.Random, method: str, path: str, **fields: str
    ) -> httpx2.Response | None:
        """Ask one server, and another when it dies; None when none answered."""
        for _ in range(4):
            began = time.monotonic()
            try:
                answer = await chosen.choice(admins).call(method, path, **fields)
            except httpx2.TransportError:
                self.broken += 1
                await asyncio.sleep(0.2)
                continue
            finally:
                self.longest = max(self.longest, time.monotonic() - began)
            self.statuses[answer.status_code] += 1
            return answer
        return None
