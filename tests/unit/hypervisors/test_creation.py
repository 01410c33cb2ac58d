"""What is sent to make a VM."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from innkeeper.hypervisors.lxd.creation import instance_body
from innkeeper.model.machine import DiskSpec, InterfaceSpec
from innkeeper.model.seed import Seed
from tests.unit.hypervisors.specs import GB, SPEC


def test_body_of_an_ordinary_vm() -> None:
    assert instance_body(SPEC) == {
        "name": "vm",
        "type": "virtual-machine",
        "architecture": "x86_64",
        "source": {"type": "none"},
        "profiles": [],
        "config": {
            "limits.cpu": "2",
            "limits.memory": "2048MiB",
            "limits.memory.hugepages": "false",
            "security.secureboot": "false",
            "user.innkeeper.installation": "i1",
            "user.innkeeper.machine": "m1",
            "user.innkeeper.operation": "o1",
        },
        "devices": {
            "root": {"type": "disk", "path": "/", "pool": "default", "size": "8000000000", "boot.priority": "1"},
            "eth0": {"type": "nic", "name": "eth0", "network": "lxdbr0", "hwaddr": "00:16:3e:00:00:01"},
        },
    }


@pytest.mark.parametrize(("pinned", "text"), [((2,), "2-2"), ((3, 1), "1,3"), ((0, 1, 2), "0,1,2")])
def test_V03_pinned_cores_are_written(pinned: tuple[int, ...], text: str) -> None:
    config = instance_body(replace(SPEC, cores=len(pinned), pinned=pinned))["config"]
    assert isinstance(config, dict)
    assert config["limits.cpu"] == text


def test_body_of_a_vm_with_everything() -> None:
    spec = replace(
        SPEC,
        architecture="arm64/generic",
        huge_pages=True,
        profiles=("maas",),
        disks=(*SPEC.disks, DiskSpec(device="disk1", pool="slow", size=GB, volume="m1-disk1")),
        interfaces=(
            InterfaceSpec(device="eth0", attach="bridge", parent="br0", mac="a", vlan=5),
            InterfaceSpec(device="eth1", attach="macvlan", parent="ens3", mac="b", mode="bridge"),
            InterfaceSpec(device="eth2", attach="macvlan", parent="ens3", mac="c", mode="vepa"),
            InterfaceSpec(device="eth3", attach="sriov", parent="ens4", mac="d"),
            InterfaceSpec(device="eth4", attach="ovn", parent="ovn1", mac="e"),
        ),
    )
    body: Any = instance_body(spec)
    assert (body["architecture"], body["profiles"]) == ("aarch64", ["maas"])
    assert body["config"]["limits.memory.hugepages"] == "true"
    assert body["devices"]["disk1"] == {"type": "disk", "pool": "slow", "source": "m1-disk1"}
    told = {
        name: {k: v for k, v in d.items() if k not in ("type", "name", "hwaddr")} for name, d in body["devices"].items()
    }
    assert told["eth0"] == {"nictype": "bridged", "parent": "br0", "vlan": "5"}
    assert told["eth1"] == {"nictype": "macvlan", "parent": "ens3"}
    assert told["eth2"] == {"nictype": "macvlan", "parent": "ens3", "mode": "vepa"}
    assert told["eth3"] == {"nictype": "sriov", "parent": "ens4"}
    assert told["eth4"] == {"network": "ovn1"}


def test_body_of_a_guest_of_an_image() -> None:
    """What LXD writes on the NoCloud drive, and the drive itself; an empty part is left out."""
    seed = Seed(meta_data="instance-id: a\n", vendor_data="#cloud-config\n{}\n", network_config="{}", user_data="#!x")
    body = instance_body(replace(SPEC, image="f" * 64, seed=seed))
    assert body["source"] == {"type": "image", "fingerprint": "f" * 64}
    config, devices = body["config"], body["devices"]
    assert isinstance(config, dict)
    assert isinstance(devices, dict)
    assert {key: value for key, value in config.items() if key.startswith(("cloud-init.", "user.meta"))} == {
        "user.meta-data": "instance-id: a\n",
        "cloud-init.vendor-data": "#cloud-config\n{}\n",
        "cloud-init.network-config": "{}",
        "cloud-init.user-data": "#!x",
    }
    assert devices["innkeeper-cloud-init-seed"] == {"type": "disk", "source": "cloud-init:config"}
    plain = instance_body(replace(SPEC, image="f" * 64, seed=replace(seed, user_data="")))["config"]
    assert isinstance(plain, dict)
    assert "cloud-init.user-data" not in plain
