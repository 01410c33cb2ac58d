"""A large site as a database and simulated hosts, written directly: composing 20,000 machines would take an hour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.hypervisors import introduction
from innkeeper.hypervisors.simulated import PREFIX
from innkeeper.hypervisors.simulated_world import GB, MIB, World
from innkeeper.model.host import HostState
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import DiskFacts, InstanceFacts, InterfaceFacts, Origin, PowerState
from innkeeper.store import hosts, secrets
from innkeeper.store.database import NOW, Write
from innkeeper.store.opening import open_store
from innkeeper.store.secrets import Cipher
from innkeeper.store.tables import claim, claim_storage, disk, interface, machine
from tests.kit.server import Server

HOSTS, EACH = 1250, 16
MACHINES = HOSTS * EACH
CORES, MEMORY = 64, 256 * 1024  # of a host; MiB
_DISK = 8 * GB

__all__ = ["EACH", "HOSTS", "MACHINES", "build"]


def build(server: Server, *, count: int = HOSTS) -> None:
    """Fill the server's empty database with so many hosts, and write their files."""
    directory = server.settings.simulated_hosts
    assert directory is not None
    directory.mkdir(parents=True, exist_ok=True)
    server.data.mkdir(exist_ok=True)
    server.key()
    database, cipher, uuid = open_store(server.settings)
    try:
        database.transact(_fill, cipher, directory, count)
        for number in range(1, count + 1):
            file = directory / f"host{number}.json"
            file.write_bytes(msgspec.json.encode(_world(number, uuid)))
    finally:
        database.close()


def _world(number: int, uuid: str) -> World:
    names = range((number - 1) * EACH + 1, number * EACH + 1)
    return World(
        name=f"host{number}",
        cores=CORES,
        memory=MEMORY * MIB,
        pools={"default": 1000 * GB},
        instances={f"default/vm{one}": _instance(one, uuid) for one in names},
    )


def _instance(number: int, uuid: str) -> InstanceFacts:
    tags = {"installation": uuid, "machine": _id(number), "operation": "0" * 32}
    return InstanceFacts(
        name=f"vm{number}",
        project="default",
        cores=1,
        memory=2048,
        power=PowerState.OFF,
        disks=(DiskFacts(device="root", pool="default", size=_DISK),),
        interfaces=(InterfaceFacts(device="eth0", attach="network", parent="br0", mac=_mac(number)),),
        tags=tuple(tags.items()),
    )


def _id(number: int) -> str:
    return f"vm{number:05d}"


def _mac(number: int) -> str:
    return f"00:16:3e:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def _fill(write: Write, cipher: Cipher, directory: Path, count: int) -> None:
    shown = introduction.make_credentials(name="bench")
    for number in range(1, count + 1):
        name = f"host{number}"
        id = hosts.insert(
            write,
            kind="simulated",
            name=name,
            address=f"{PREFIX}{directory / name}.json",
            project="default",
            state=HostState.READY,
            zone_id=1,
            pool_id=0,
            fingerprint=f"{number:064x}",
            certificate=shown.certificate,
            default_pool="default",
        )
        assert id == number
        secrets.put(write, cipher, path=f"host/{id}/key", text=shown.key)
    last = count * EACH
    for first in range(1, last + 1, 2000):
        _machines(write, range(first, min(first + 2000, last + 1)))


def _machines(write: Write, numbers: range) -> None:
    rows: list[dict[str, Any]] = []
    for number in numbers:
        rows.append(
            {
                "id": number,
                "system_id": _id(number),
                "hostname": f"vm{number}",
                "host_id": (number - 1) // EACH + 1,
                "instance": f"vm{number}",
                "tags_json": "[]",
            }
        )
    common = {
        "domain_id": 0, "zone_id": 1, "pool_id": 0, "origin": Origin.COMPOSED, "status": int(Status.READY),
        "status_message": "", "power_state": PowerState.OFF, "architecture": "amd64/generic", "cores": 1,
        "memory": 2048, "pinned": "", "huge_pages": False, "cpu_speed": 0, "project": "default",
        "owner_data_json": "{}", "description": "", "agent_name": "", "locked": False, "placement_json": "",
        "digest": "", "settled_at": 0.0, "status_before": -1,
    }  # fmt: skip
    write.sql.execute(sa.insert(machine).values(created=NOW, updated=NOW), [row | common for row in rows])
    claims = [
        {
            "id": row["id"], "host_id": row["host_id"], "project": "default", "instance": row["instance"],
            "origin": "composed", "system_id": row["system_id"], "mark": row["system_id"], "cores": 1, "pinned": "",
            "memory": 2048, "huge_pages": False, "power_state": PowerState.OFF, "location": "", "present": True,
        }
        for row in rows
    ]  # fmt: skip
    write.sql.execute(sa.insert(claim), claims)
    held = [{"claim_id": row["id"], "position": 0, "pool": "default", "volume": "", "size": _DISK} for row in rows]
    write.sql.execute(sa.insert(claim_storage), held)
    disks = [
        {"system_id": row["system_id"], "position": 0, "device": "root", "size": _DISK, "pool": "default",
         "volume": "", "tags_json": "[]", "why": ""}
        for row in rows
    ]  # fmt: skip
    write.sql.execute(sa.insert(disk), disks)
    nics = [
        {"system_id": row["system_id"], "position": 0, "name": "eth0", "mac": _mac(row["id"]), "attach": "network",
         "parent": "br0", "mode": "", "vlan": 0, "tags_json": "[]"}
        for row in rows
    ]  # fmt: skip
    write.sql.execute(sa.insert(interface), nics)
