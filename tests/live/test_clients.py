"""MAAS's clients on a real LXD, byte by byte, with guests that really boot: one conversation of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.clients import ansible, cli, juju, terraform
from tests.clients.stage import Stage, add_image
from tests.kit.lab import Lab
from tests.kit.server import Server, running

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def lab() -> Lab:
    one = Lab("lab1")
    one.clean()
    return one


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that guests reach."""
    one = Server(tmp_path_factory.mktemp("inn"), host="0.0.0.0")
    one.key()
    add_image(one)
    with running(one):
        yield one


@pytest.fixture
def stage(request: pytest.FixtureRequest, server: Server, lab: Lab) -> Iterator[Stage]:
    """The lab's host, not added yet; nothing is left on it, whatever the client made."""
    [network] = [one for one in lab.query("/1.0/networks?recursion=1") if one["name"] == lab.env["network"]]
    yield Stage(
        server=server,
        host={"type": "lxd", "name": "lab", "power_address": lab.address, "password": lab.token()},
        cidr=network["config"]["ipv4.address"].replace(".1/", ".0/"),
        pool="fast",
    )
    left = lab.leftovers()
    lab.clean()
    assert left == {}


@pytest.mark.parametrize(
    "conversation",
    [terraform.two_four, ansible.playbook, cli.session, juju.composing, juju.three],
    ids=["terraform", "ansible", "cli", "juju2026", "juju3"],
)
async def test_a_conversation(stage: Stage, conversation: Callable[[Stage], Awaitable[dict[str, Any]]]) -> None:
    deployed = await conversation(stage)
    assert deployed["status_name"] == "Deployed"
    assert deployed["power_state"] == "on"
    addresses = [link.get("ip_address") for nic in deployed["interface_set"] for link in nic["links"]]
    assert any(addresses), "the address that a client connects to"
