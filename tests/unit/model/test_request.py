"""How a repeated request is known."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from innkeeper.model.constraints import GB, DiskRequest
from innkeeper.model.interface_constraints import Condition, InterfaceRequest
from innkeeper.model.request import Request

OTHER: dict[str, Any] = {
    "hostname": "web",
    "cores": 2,
    "pinned": (1,),
    "memory": 4096,
    "huge_pages": True,
    "architecture": "amd64/generic",
    "cpu_speed": 1000,
    "disks": (DiskRequest(size=9 * GB),),
    "interfaces": (InterfaceRequest(label="eth0"),),
    "there": (Condition(text="subnet=1", about="subnet", accepted=(1,)),),
    "not_there": (Condition(text="not_subnet=1", about="subnet", accepted=(1,), negated=True),),
    "domain_id": 0,
    "zone_id": 1,
    "pool_id": 0,
    "anti_affinity": "web",
}


def test_the_defaults() -> None:
    wanted = Request()
    assert (wanted.cores, wanted.memory) == (1, 2048)
    assert [disk.size for disk in wanted.disks] == [8 * GB]


def test_the_same_wishes_have_the_same_digest() -> None:
    assert Request(**OTHER).digest == Request(**OTHER).digest


@pytest.mark.parametrize("name", [one.name for one in fields(Request)])
def test_every_wish_is_in_the_digest(name: str) -> None:
    """A field that is added and not told apart would give a caller somebody else's machine."""
    assert replace(Request(), **{name: OTHER[name]}).digest != Request().digest
