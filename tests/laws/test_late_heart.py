"""A heartbeat that is late, but not late enough to be taken for dead: nobody else takes over, so we must go on."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from innkeeper.hypervisors.simulated_world import Fault, World
from tests.kit.accounts import Accounts
from tests.kit.house import inn
from tests.kit.until import until

LEASE, BEAT = 5.0, 1.0
UNSURE = LEASE - 2 * BEAT  # from then on the guard refuses


async def test_work_goes_on_after_a_busy_database_made_the_lease_unsure(tmp_path: Path) -> None:
    """The database is held (a backup, say) while a step makes its first volume; the guard refuses the second one."""
    async with inn(tmp_path, lease=LEASE, beat=BEAT) as house:
        host = await house.add_host()

        def slow(world: World) -> None:
            world.faults.append(Fault(call="create_volume", kind="delay", when="after", seconds=UNSURE + 0.3))

        house.change("alpha", slow)
        composing = asyncio.create_task(house.admin.compose(host, storage="root:8,one:1,two:1"))

        async def first() -> bool:
            return bool(house.see("alpha").volumes)

        await until(first)
        held = sqlite3.connect(tmp_path / "innkeeper.sqlite", isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(UNSURE + 0.4)
        assert len(house.see("alpha").volumes) == 1, "it touched the host with an unsure lease"
        held.execute("ROLLBACK")
        held.close()
        await asyncio.wait_for(composing, 15)
    accounts = Accounts(f"sqlite:///{tmp_path / 'innkeeper.sqlite'}")
    assert accounts.wrong() == []
    assert accounts.of("compose")[0].crashes == 0
    accounts.close()
