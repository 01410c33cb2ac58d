"""The stories of machines whose network is changed."""

from __future__ import annotations

from innkeeper.model.interface_constraints import interfaces
from innkeeper.model.network import LinkMode
from innkeeper.model.network_names import resolve
from innkeeper.model.request import Request
from innkeeper.operations import readdress
from innkeeper.store import addresses, links, machines, networks
from innkeeper.store.database import Write
from tests.laws.scenario import Order, Scenario
from tests.laws.stage import Stage


async def _readdressing(stage: Stage) -> Order:
    """One fixed address goes, another comes: the host's DHCP holds the old one until it is told."""
    host = await stage.add_host("alpha")
    database = stage.services.database
    wanted = resolve(interfaces("lan:ip=10.0.0.5"), database.ask(networks.known))
    web = await stage.compose(host.id, request=Request(hostname="web", interfaces=wanted))
    assert [nic.addresses for nic in stage.see("alpha").instances["default/web"].interfaces] == [("10.0.0.5",)]

    def change(write: Write) -> str:
        (nic,) = web.interfaces
        (link,) = nic.links
        assert link.subnet_id is not None
        links.delete(write, [link.id])
        id = links.insert(write, interface_id=nic.id, mode=LinkMode.STATIC, subnet_id=link.subnet_id, ip="10.0.0.6")
        addresses.take(write, ip="10.0.0.6", subnet_id=link.subnet_id, link_id=id)
        return readdress.submit(write, web, actor="admin")

    return lambda: database.transact(change)


def _readdressed(stage: Stage) -> None:
    (nic,) = stage.see("alpha").instances["default/web"].interfaces
    (web,) = [one for one in stage.services.database.ask(machines.listing) if one.hostname == "web"]
    assert nic.addresses == ("10.0.0.6",) == tuple(link.ip for link in web.interfaces[0].links)


NETWORK = (Scenario(kind="readdress", tell=_readdressing, done=_readdressed),)
