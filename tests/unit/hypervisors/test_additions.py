"""What people added to a VM on its host: read from it, and given to the one that takes its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from innkeeper.hypervisors.lxd import additions, shapes
from innkeeper.hypervisors.lxd.creation import instance_body
from innkeeper.model.machine import Added, DiskSpec
from innkeeper.model.seed import Seed
from tests.unit.hypervisors.specs import GB, SPEC

VOLUME = DiskSpec(device="disk1", pool="default", size=GB, volume="innkeeper-m1-disk1")
MADE = replace(
    SPEC, disks=(*SPEC.disks, VOLUME), seed=Seed(meta_data="m", vendor_data="v", network_config="n", user_data="u")
)


def entry(**more: Any) -> shapes.Instance:
    """The instance that was made of `MADE`, as LXD shows it, with what was set on it."""
    body: Any = instance_body(MADE)
    server = {"volatile.eth0.host_name": "tap1", "volatile.uuid": "x", "image.os": "tiny"}
    return shapes.Instance(
        name="vm",
        type="virtual-machine",
        config=body["config"] | server | more.get("config", {}),
        devices=body["devices"] | more.get("devices", {}),
        profiles=more.get("profiles", []),
    )


def again(found: shapes.Instance, **changed: Any) -> Any:
    """The body of the one that takes its place."""
    added = additions.of(found, machine="m1")
    assert added is not None
    return instance_body(replace(SPEC, disks=MADE.disks, **{"added": added, **changed}))


def test_an_instance_on_which_nothing_was_set_is_made_as_its_record_says() -> None:
    """Above all nothing of its last user's: seed, addresses, image."""
    assert again(entry()) == instance_body(replace(MADE, seed=None))


def test_what_people_set_is_set_again() -> None:
    config = {"user.note": "x", "raw.qemu": "-s", "security.secureboot": "true", "limits.memory.swap": "false"}
    devices = {
        "gpu": {"type": "gpu", "pci": "0000:01:00.0"},
        "key": {"type": "usb", "vendorid": "1050"},
        "share": {"type": "disk", "source": "/srv", "path": "/mnt"},
        "root": {
            "type": "disk",
            "path": "/",
            "pool": "default",
            "size": "1",
            "boot.priority": "9",
            "limits.read": "1MB",
        },
        "disk1": {"type": "disk", "pool": "default", "source": "innkeeper-m1-disk1", "readonly": "true"},
    }
    body = again(entry(config=config, devices=devices, profiles=["default", "gpu"]), profiles=("maas",))
    assert body["profiles"] == ["maas", "default", "gpu"]
    assert {key: body["config"].get(key) for key in config} == config
    assert {name: body["devices"][name] for name in ("gpu", "key", "share", "disk1")} == {
        name: devices[name] for name in ("gpu", "key", "share", "disk1")
    }
    assert body["devices"]["root"] == devices["root"] | {"size": str(8 * GB)}, "its size is the record's"
    assert (body["config"]["limits.cpu"], body["config"]["user.innkeeper.operation"]) == ("2", "o1")


def test_a_profile_of_ours_is_applied_once() -> None:
    assert again(entry(profiles=["gpu", "maas"]), profiles=("maas",))["profiles"] == ["gpu", "maas"]


def test_a_nic_is_known_by_its_mac() -> None:
    """It has another name in the record since, and another address; what was set on it is on it still."""
    (nic,) = SPEC.interfaces
    old = {"type": "nic", "hwaddr": nic.mac.upper(), "network": "lxdbr0", "name": "eth0", "ipv4.address": "10.0.0.9"}
    found = entry(devices={"eth0": old | {"security.mac_filtering": "true"}})
    body = again(found, interfaces=(replace(nic, device="lan"),))
    assert body["devices"].keys() == {"root", "disk1", "lan"}
    assert body["devices"]["lan"] == {
        "type": "nic",
        "hwaddr": nic.mac,
        "network": "lxdbr0",
        "name": "lan",
        "security.mac_filtering": "true",
    }


def test_a_nic_that_was_added_keeps_the_mac_that_the_server_gave_it() -> None:
    config, nic = {"volatile.extra.hwaddr": "00:16:3e:aa:bb:cc"}, {"type": "nic", "nictype": "bridged", "parent": "br9"}
    body = again(entry(config=config, devices={"extra": nic}))
    assert body["devices"]["extra"] == nic | {"hwaddr": "00:16:3e:aa:bb:cc"}
    assert "volatile.extra.hwaddr" not in body["config"]


def test_another_machines_instance_has_nothing_for_us() -> None:
    assert additions.of(entry(), machine="m2") is None
    assert additions.of(entry(), machine="") is None
    assert additions.of(None, machine="m1") is None


def test_it_is_never_printed() -> None:
    assert "hush" not in repr(replace(SPEC, added=Added(config=(("environment.TOKEN", "hush"),))))
