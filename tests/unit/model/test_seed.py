"""The NoCloud drive of a guest, as cloud-init would read it."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from innkeeper.model import seed
from innkeeper.model.seed import Guest, Leg, Nic, Route

GUEST = Guest(
    system_id="abc123",
    hostname="web",
    domain="maas",
    keys=('ssh-ed25519 AAAA ann"s key', "ssh-rsa BBBB"),
    phone_home="http://10.0.0.1:5240/phone-home/t",
)


def config(*nics: Nic) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(seed.network_config(nics))
    assert found["version"] == 2
    return dict(found["ethernets"])


def test_a_guest_is_told_who_it_is_and_where_it_calls() -> None:
    made = seed.seed(GUEST, [], user_data="#!/bin/sh\n")
    lines = dict(line.split(": ", 1) for line in made.meta_data.splitlines())
    assert {name: json.loads(value) for name, value in lines.items()} == {
        "instance-id": "abc123",
        "local-hostname": "web",
        "public-keys": list(GUEST.keys),
        "phone-home-url": GUEST.phone_home,
    }
    first, rest = made.vendor_data.split("\n", 1)
    assert first == "#cloud-config"
    told = json.loads(rest)
    assert told["fqdn"] == "web.maas"
    assert told["phone_home"]["url"] == GUEST.phone_home
    assert made.user_data == "#!/bin/sh\n"


def test_a_guest_that_cannot_reach_us_is_not_asked_to() -> None:
    made = seed.seed(Guest(system_id="a", hostname="b", domain="c"), [])
    assert "phone" not in made.meta_data + made.vendor_data
    assert "public-keys" not in made.meta_data


def test_secrets_are_not_printed() -> None:
    made = seed.seed(GUEST, [], user_data="password: secret")
    assert "secret" not in repr(made)
    assert "phone-home/t" not in repr(made)


def test_a_static_address_with_all_that_belongs_to_it() -> None:
    leg = Leg(
        address="10.0.0.5/24",
        gateway="10.0.0.1",
        dns=("10.0.0.2",),
        routes=(Route(to="10.9.0.0/16", via="10.0.0.9", metric=7), Route(to="10.8.0.0/16", via="10.0.0.8")),
    )
    assert config(Nic(name="eth0", mac="00:16:3e:00:00:01", mtu=9000, legs=(leg,))) == {
        "eth0": {
            "match": {"macaddress": "00:16:3e:00:00:01"},
            "set-name": "eth0",
            "mtu": 9000,
            "dhcp4": False,
            "dhcp6": False,
            "addresses": ["10.0.0.5/24"],
            "nameservers": {"addresses": ["10.0.0.2"]},
            "routes": [
                {"to": "0.0.0.0/0", "via": "10.0.0.1"},
                {"to": "10.9.0.0/16", "via": "10.0.0.9", "metric": 7},
                {"to": "10.8.0.0/16", "via": "10.0.0.8"},
            ],
        }
    }


def test_both_versions_on_one_nic_and_dhcp_on_another() -> None:
    legs = (
        Leg(address="10.0.0.5/24", gateway="10.0.0.1"),
        Leg(address="fd00::5/64", version=6, gateway="fd00::1"),
    )
    found = config(Nic(name="a", mac="m", legs=legs), Nic(name="b", mac="n", legs=(Leg(), Leg(version=6))))
    assert found["a"]["addresses"] == ["10.0.0.5/24", "fd00::5/64"]
    assert found["a"]["routes"] == [
        {"to": "0.0.0.0/0", "via": "10.0.0.1"},
        {"to": "::/0", "via": "fd00::1", "metric": seed.FIRST},  # before what a router advertises, which has 1024
    ]
    assert (found["b"]["dhcp4"], found["b"]["dhcp6"]) == (True, True)
    assert "addresses" not in found["b"]


def test_a_nic_without_an_address_holds_no_boot_up() -> None:
    found = config(Nic(name="a", mac="m"))
    assert (found["a"]["optional"], found["a"]["dhcp4"], found["a"]["dhcp6"]) == (True, False, False)


gateways = st.sampled_from(["", "10.0.0.1", "10.1.0.1", "fd00::1", "fd01::1"])
legs = st.builds(
    Leg, address=st.sampled_from(["", "10.0.0.5/24", "fd00::5/64"]), version=st.sampled_from([4, 6]), gateway=gateways
)


@given(st.lists(st.lists(legs, max_size=3), max_size=4))
def test_there_is_at_most_one_default_route_a_version(many: list[list[Leg]]) -> None:
    nics = [Nic(name=f"eth{number}", mac=f"m{number}", legs=tuple(one)) for number, one in enumerate(many)]
    found = config(*nics) if nics else {}
    default = [
        one["via"] for nic in found.values() for one in nic.get("routes", ()) if one["to"] in ("0.0.0.0/0", "::/0")
    ]
    versions = [ip_address(via).version for via in default]
    assert len(versions) == len(set(versions))
    wanted = {ip_address(leg.gateway).version for one in many for leg in one if leg.address and leg.gateway}
    assert set(versions) == wanted
