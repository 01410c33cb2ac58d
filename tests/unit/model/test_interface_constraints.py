"""The grammar of interfaces=. Names begin with the id of the case that was seen."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import Invalid
from innkeeper.model.interface_constraints import (
    KEYS,
    KINDS,
    Choice,
    Term,
    WantedInterface,
    interfaces,
    nic_name,
)


def term(key: str, *values: str, by: tuple[str, ...] = ()) -> Term:
    plain = key.removeprefix("not_")
    return Term(key=plain, negated=plain != key, choices=tuple(Choice(by=by, value=value) for value in values))


def one(text: str) -> WantedInterface:
    (found,) = interfaces(text)
    return found


def refusal(text: str) -> str:
    with pytest.raises(Invalid) as refused:
        interfaces(text)
    return refused.value.fields["interfaces"][0]


def test_S09_what_people_send() -> None:
    assert interfaces("eth0:subnet_cidr=10.0.0.0/24;eth1:subnet_cidr=10.1.0.0/24") == (
        WantedInterface(label="eth0", terms=(term("subnet_cidr", "10.0.0.0/24"),)),
        WantedInterface(label="eth1", terms=(term("subnet_cidr", "10.1.0.0/24"),)),
    )
    assert one("eth0:space=dmz,vlan=5").terms == (term("space", "dmz"), term("vlan", "5"))
    assert one("eth0:subnet=5").terms == (term("subnet", "5"),)
    assert one("0:space=3") == WantedInterface(label="0", terms=(term("space", "3"),))


def test_the_same_key_again_means_or_another_means_and() -> None:
    found = one("0:name=br0,vid=5,name=br1,name=br0,not_tag=a,tag=b")
    assert found.terms == (term("name", "br0", "br1"), term("vid", "5"), term("not_tag", "a"), term("tag", "b"))


@pytest.mark.parametrize(
    ("text", "by", "value"),
    [
        ("subnet=cidr:10.0.0.0/24", ("cidr",), "10.0.0.0/24"),
        ("subnet=2001:db8::/64", (), "2001:db8::/64"),
        ("subnet=cidr:2001:DB8:0::/64", ("cidr",), "2001:db8::/64"),
        ("subnet=ip:2001:db8::5", ("ip",), "2001:db8::5"),
        ("subnet=name:cidr:odd", ("name",), "cidr:odd"),
        ("subnet=vlan:vid:0x5", ("vlan", "vid"), "5"),
        ("subnet=vlan:fabric:class:10g", ("vlan", "fabric", "class"), "10g"),
        ("subnet=vid:untagged", ("vid",), "0"),
        ("subnet=space:name:dmz", ("space", "name"), "dmz"),
        ("vlan=vid:5", ("vid",), "5"),
        ("vlan=untagged", (), "untagged"),
        ("vlan=subnet:cidr:10.0.0.0/8", ("subnet", "cidr"), "10.0.0.0/8"),
        ("fabric=fabric-3", (), "fabric-3"),
        ("fabric=class:10g", ("class",), "10g"),
        ("space=-1", (), "-1"),
        ("space=a:b", (), "a:b"),
        ("vid=0b101", (), "5"),
        ("id=0X1f", (), "31"),
        ("link_speed=1000", (), "1000"),
        ("type=bond", (), "bond"),
        ("tag= a && b", (), "a&&b"),
        ("not_ip=10.0.0.5", (), "10.0.0.5"),
        ("not_vid=untagged", (), "0"),
    ],
)
def test_values_may_say_what_they_are_by(text: str, by: tuple[str, ...], value: str) -> None:
    (found,) = one(f"n:{text}").terms
    assert found.choices == (Choice(by=by, value=value),)


def test_S10_S12_addresses() -> None:
    """Colons after the label are part of the value."""
    assert one("eth0:ip=10.0.0.5").ips == ("10.0.0.5",)
    assert one("eth0:ip=10.0.0.5,ip=2001:DB8:0::5").ips == ("10.0.0.5", "2001:db8::5")
    found = one("eth0:ip=2001:db8::5,mode=unconfigured")
    assert (found.ips, found.unconfigured, found.terms) == (("2001:db8::5",), True, ())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("eth0:vid=5;eth0:vid=6", "the label 'eth0' is there twice"),
        ("eth0:colour=red", "eth0: unknown key 'colour'; known: id, fabric"),
        ("eth0:not_mode=unconfigured", "eth0: unknown key 'not_mode'"),
        ("eth0:not_type=bond", "eth0: unknown key 'not_type'"),
        ("eth0:not_not_vid=5", "eth0: unknown key 'not_not_vid'"),
        ("eth0:", "eth0: cannot read ''"),
        ("eth0:name", "eth0: cannot read 'name'"),
        ("eth0:name=", "eth0: cannot read 'name='"),
        ("eth0:name=a,,vid=5", "eth0: cannot read ''"),
        ("eth0", "cannot read 'eth0'"),
        ("eth0:name=a;", "cannot read ''"),
        ("e!:name=a", "cannot read 'e!:name=a'"),
        ("", "it is empty"),
        ("eth0:id=br0", "eth0: id=br0: it must be a number"),
        ("eth0:id=-1", "eth0: id=-1: it must be a number"),
        ("eth0:vid=4095", "eth0: vid=4095: a VLAN id is 0 to 4094"),
        ("eth0:vlan=vid:5x", "eth0: vlan=vid:5x: it must be a number"),
        ("eth0:subnet=cidr:10.0.0.1/24", "eth0: subnet=cidr:10.0.0.1/24: 10.0.0.1/24 has host bits set"),
        ("eth0:subnet_cidr=home", "eth0: subnet_cidr=home: 'home' does not appear to be"),
        ("eth0:subnet=interface:5", "a host's interface is chosen by id= or name=, not by interface:"),
        ("eth0:subnet=cidr:", "eth0: subnet=cidr:: nothing after cidr:"),
        ("eth0:ip=10.0.0", "eth0: ip=10.0.0: '10.0.0' does not appear to be an IPv4 or IPv6 address"),
        ("eth0:ip=fe80::1%eth0", "eth0: ip=fe80::1%eth0: an address with a scope"),
        ("eth0:mode=dhcp", "eth0: mode=dhcp: it must be unconfigured"),
        ("eth0:type=wifi", "eth0: type=wifi: it must be physical or vlan or bond or bridge or unknown"),
        ("eth0:tag=a&&", "eth0: tag=a&&: an empty tag"),
        ("eth0:ip=10.0.0.5,ip=10.0.0.5", "eth0: the address 10.0.0.5 is asked for twice"),
        ("eth0:ip=::5;eth1:ip=0::5", "eth1: the address ::5 is asked for by eth0 too"),
        (";".join(f"{number}:vid=1" for number in range(33)), "33 NICs are more than the 32"),
    ],
)
def test_S13_every_refusal_names_label_and_piece(text: str, names: str) -> None:
    assert names in refusal(text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1:name=a;eth1:name=b", "the labels '1' and 'eth1' both name the NIC eth1"),
        ("01:name=a;1:name=b", "the labels '01' and '1' both name the NIC eth1"),
        ("root:name=a", "the label 'root' is what a disk is named"),
        ("disk1:name=a", "the label 'disk1' is what a disk is named"),
    ],
)
def test_devices_of_one_machine_have_names_of_their_own(text: str, names: str) -> None:
    """Hypervisors keep disks and NICs in one space of names: the second would take the place of the first."""
    assert names in refusal(text)


LABELS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}", fullmatch=True)


@given(label=LABELS)
def test_a_nic_name_is_one_that_linux_takes(label: str) -> None:
    assert 0 < len(nic_name(label).encode()) <= 15


def test_nic_names() -> None:
    names = [nic_name(label) for label in ("0", "007", "eth5", "lan", "x" * 15)]
    assert names == ["eth0", "eth7", "eth5", "lan", "x" * 15]
    first, second = nic_name("a-label-that-is-too-long"), nic_name("b-label-that-is-too-long")
    assert first != second
    assert first.startswith("eth-")
    assert first.endswith("-long")
    assert len(first) == len(nic_name("9" * 5000)) == 15


IPS = st.ip_addresses().filter(lambda ip: not getattr(ip, "scope_id", None)).map(str)
CIDRS = st.ip_addresses().map(lambda ip: str(ipaddress.ip_network(ip)))
WORDS = st.from_regex(r"[a-z][a-z0-9.-]{0,9}", fullmatch=True)
NUMBERS = st.integers(0, 4094).map(str)


def _choices(key: str) -> st.SearchStrategy[Choice]:
    """Choices of a key, as they come out of the grammar."""
    if key in ("id", "link_speed", "vid"):
        return st.builds(Choice, value=NUMBERS)
    if key == "type":
        return st.builds(Choice, value=st.sampled_from(KINDS))
    if key in ("subnet_cidr", "ip"):
        return st.builds(Choice, value=CIDRS if key == "subnet_cidr" else IPS)
    if key in ("subnet", "vlan"):
        inner = st.builds(Choice, by=st.just(("fabric", "class")), value=WORDS)
        return inner | st.builds(Choice, by=st.just(("id",)), value=NUMBERS) | st.builds(Choice, value=WORDS)
    return st.builds(Choice, value=WORDS)


TERMS = st.sampled_from([key for key in KEYS if key not in ("ip", "mode")]).flatmap(
    lambda key: st.builds(
        Term,
        key=st.just(key.removeprefix("not_")),
        negated=st.just(key.startswith("not_")),
        choices=st.lists(_choices(key.removeprefix("not_")), min_size=1, max_size=3, unique=True).map(tuple),
    )
)
WANTED = st.builds(
    WantedInterface,
    label=st.from_regex(r"n[a-z0-9]{1,10}", fullmatch=True),
    terms=st.lists(TERMS, min_size=1, max_size=4, unique_by=lambda each: (each.key, each.negated)).map(tuple),
    unconfigured=st.booleans(),
)


def printed(wanted: WantedInterface) -> str:
    pairs = [f"{'not_' if each.negated else ''}{each.key}={choice}" for each in wanted.terms for choice in each.choices]
    pairs += [f"ip={ip}" for ip in wanted.ips] + ["mode=unconfigured"] * wanted.unconfigured
    return f"{wanted.label}:{','.join(pairs)}"


@given(wanted=st.lists(WANTED, min_size=1, max_size=4, unique_by=lambda each: each.label))
def test_interfaces_that_are_printed_are_read_back(wanted: list[WantedInterface]) -> None:
    assert interfaces(";".join(map(printed, wanted))) == tuple(wanted)


@given(text=st.text(alphabet="an01x:,;=._-/ \n²٣%&", max_size=40) | st.sampled_from(KEYS).map(lambda key: f"n:{key}="))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    assert _outcome(text)


@given(key=st.sampled_from(KEYS), value=st.text(alphabet="ab15:./-&%x", min_size=1, max_size=20))
def test_any_value_is_read_or_refused_with_its_label_and_key(key: str, value: str) -> None:
    found = _outcome(f"lan:{key}={value}")
    assert isinstance(found, tuple) or f"lan: {key}={value}: " in found


def _outcome(text: str) -> tuple[WantedInterface, ...] | str:
    """What was read, or the words of the refusal."""
    try:
        return interfaces(text)
    except Invalid as refused:
        return refused.fields["interfaces"][0]
