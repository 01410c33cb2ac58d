"""The conversations of MAAS's clients, byte by byte over a socket, with simulated hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from innkeeper.hypervisors.simulated_world import Fault, world
from tests.clients import ansible, cli, juju, terraform
from tests.clients.stage import simulated, simulated_host
from tests.kit.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with simulated(tmp_path_factory.mktemp("inn")) as one:
        yield one


def slowly(server: Server, name: str) -> None:
    """The next create on a host takes so long that others see the machine while it commissions."""
    with world(server.data / "hosts" / f"{name}.json") as state:
        state.faults.append(Fault(call="create", kind="delay", seconds=1.0))


async def test_juju_3(server: Server) -> None:
    await juju.three(simulated_host(server, "juju3"))


async def test_juju_2026(server: Server) -> None:
    stage = simulated_host(server, "juju2026")
    slowly(server, "juju2026")
    await juju.composing(stage)


async def test_terraform_2_4(server: Server) -> None:
    await terraform.two_four(simulated_host(server, "terraform"))


async def test_terraform_2_5(server: Server) -> None:
    await terraform.later(simulated_host(server, "terraform25"), password="token")


async def test_ansible(server: Server) -> None:
    await ansible.playbook(simulated_host(server, "ansible"))


async def test_the_command_line(server: Server) -> None:
    await cli.session(simulated_host(server, "cli"))
