"""Addresses that several ask for in the same moment, on different hosts: one has each, and nobody waits for ever."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from innkeeper.errors import Conflict
from innkeeper.hypervisors.simulated_world import BRIDGE, World
from innkeeper.model.interface_constraints import InterfaceRequest, interfaces
from innkeeper.model.network_names import resolve
from innkeeper.model.request import Request
from innkeeper.store import networks
from innkeeper.store.network_tables import address, link
from tests.laws.stage import Stage
from tests.laws.test_races import at_once, errors, rows


def asked(stage: Stage, text: str) -> tuple[InterfaceRequest, ...]:
    return resolve(interfaces(text), stage.services.database.ask(networks.known))


def untold(world: World) -> None:
    world.interfaces = [replace(BRIDGE, fixed=())]


async def test_one_address_on_two_hosts(stage: Stage) -> None:
    alpha, beta = await stage.add_host("alpha"), await stage.add_host("beta")
    for number in range(8):
        nics = asked(stage, f"lan:ip=10.0.0.{10 + number}")
        request = Request(memory=1024, interfaces=nics)
        found = at_once(*(partial(stage.order_machine, id, request=request) for id in (alpha.id, beta.id) * 2))
        refused = errors(found)
        assert len(refused) == 3
        for one in refused:
            assert isinstance(one, Conflict)
            assert one.brief.startswith(f"lan: The address 10.0.0.{10 + number} is taken by lan of machine ")
    assert Counter(row.ip for row in rows(stage, address)) == {f"10.0.0.{10 + number}": 1 for number in range(8)}


async def test_two_addresses_crosswise(stage: Stage) -> None:
    """Each wants both, named in the other order: one has both, the other neither. On a network whose DHCP is not told:
    else a NIC has one address of it."""
    for name in ("alpha", "beta"):
        stage.change(name, untold)
    alpha, beta = await stage.add_host("alpha"), await stage.add_host("beta")
    for number in range(10, 26, 2):
        first, second = f"10.0.0.{number}", f"10.0.0.{number + 1}"
        orders = (f"lan:ip={first},ip={second}", f"lan:ip={second},ip={first}")
        found = at_once(
            *(
                partial(stage.order_machine, id, request=Request(memory=1024, interfaces=asked(stage, text)))
                for id, text in zip((alpha.id, beta.id), orders, strict=True)
            )
        )
        (refused,) = errors(found)
        assert isinstance(refused, Conflict)
    holders = stage.services.database.ask(
        lambda sql: list(sql.execute(sa.select(address.c.ip, link.c.interface_id).join(link)))
    )
    assert len(holders) == 16
    assert set(Counter(row.interface_id for row in holders).values()) == {2}
