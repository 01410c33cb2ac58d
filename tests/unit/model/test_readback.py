"""Whether what a host made is what was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from innkeeper.model.machine import DiskFacts, DiskSpec, InstanceFacts, InstanceSpec, InterfaceFacts, InterfaceSpec
from innkeeper.model.readback import differences

GB = 10**9
MAC = "00:16:3e:00:00:0a"
SPEC = InstanceSpec(
    name="web",
    project="default",
    architecture="amd64/generic",
    cores=2,
    memory=2048,
    disks=(
        DiskSpec(device="root", pool="fast", size=8 * GB),
        DiskSpec(device="disk1", pool="slow", size=5 * GB, volume="innkeeper-abc-disk1"),
    ),
    interfaces=(InterfaceSpec(device="eth0", attach="bridge", parent="br0", mac=MAC),),
)
ROOT = DiskFacts(device="root", pool="fast", size=8 * GB)
DATA = DiskFacts(device="disk1", pool="slow", volume="innkeeper-abc-disk1", size=None)
NIC = InterfaceFacts(device="eth0", attach="bridge", parent="br0", mac=MAC.upper())
MADE = InstanceFacts(name="web", project="default", cores=2, memory=2048, disks=(ROOT, DATA), interfaces=(NIC,))


def test_the_same_is_the_same() -> None:
    """MACs in any case; a volume's size is its pool's to tell; more devices than asked are the profile's."""
    assert differences(SPEC, MADE) == []
    more = replace(MADE, disks=(*MADE.disks, DiskFacts(device="config")))
    assert differences(SPEC, more) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cores": 1}, "cores: asked 2, made 1"),
        ({"pinned": (0, 1)}, "pinned cores: asked (), made (0, 1)"),
        ({"memory": 2047}, "memory (MiB): asked 2048, made 2047"),
        ({"huge_pages": True}, "huge pages: asked False, made True"),
        ({"architecture": "arm64/generic"}, "architecture: asked amd64/generic, made arm64/generic"),
        ({"disks": (ROOT,)}, "disk disk1 is missing"),
        ({"disks": (replace(ROOT, pool="slow"), DATA)}, "disk root: asked in fast, made in slow"),
        ({"disks": (replace(ROOT, size=10 * GB), DATA)}, f"disk root: asked {8 * GB} bytes, made {10 * GB}"),
        (
            {"disks": (ROOT, replace(DATA, volume="another"))},
            "disk disk1: asked in slow/innkeeper-abc-disk1, made in slow/another",
        ),
        ({"interfaces": ()}, "NIC eth0 is missing"),
        ({"interfaces": (replace(NIC, parent="br1"),)}, f"NIC eth0: asked {MAC} on br0, made {MAC.upper()} on br1"),
        (
            {"interfaces": (replace(NIC, vlan=5),)},
            "NIC eth0: asked with VLAN tag 0, made with 5 (0 is none)",
        ),
        (
            {"interfaces": (replace(NIC, addresses=("10.0.0.5",)),)},
            "NIC eth0: asked with address none, made with 10.0.0.5",
        ),
        ({"interfaces": (replace(NIC, mac=""),)}, f"NIC eth0: asked {MAC} on br0, made no MAC on br0"),
    ],
)
def test_every_difference_is_told(change: dict[str, Any], told: str) -> None:
    assert differences(SPEC, replace(MADE, **change)) == [told]


def test_all_differences_are_told_together() -> None:
    assert len(differences(SPEC, replace(MADE, cores=1, memory=1, disks=(), interfaces=()))) == 5
