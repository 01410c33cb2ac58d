"""Addresses and project names, as people type them."""

from __future__ import annotations

import pytest

from innkeeper.errors import Invalid
from innkeeper.hypervisors.lxd.address import check_project, normalise


@pytest.mark.parametrize(
    ("typed", "is_"),
    [
        ("10.0.0.5", "https://10.0.0.5:8443"),
        ("10.0.0.5:9443", "https://10.0.0.5:9443"),
        ("https://10.0.0.5", "https://10.0.0.5:8443"),
        ("https://host.example:8443/", "https://host.example:8443"),
        ("  Host.Example. ", "https://host.example:8443"),
        ("HTTPS://host", "https://host:8443"),
        ("host_1:443", "https://host_1:443"),
        ("fd00::5", "https://[fd00::5]:8443"),
        ("[fd00::5]", "https://[fd00::5]:8443"),
        ("[FD00:0:0::5]:443", "https://[fd00::5]:443"),
        ("https://[fd00::5]/", "https://[fd00::5]:8443"),
        ("::1", "https://[::1]:8443"),
        ("fd00::5:8443", "https://[fd00::5:8443]:8443"),  # without brackets every colon is the address's
        ("münchen.example", "https://xn--mnchen-3ya.example:8443"),
    ],
)
def test_T06_addresses_have_one_form(typed: str, is_: str) -> None:
    assert normalise(typed) == is_
    assert normalise(is_) == is_


@pytest.mark.parametrize(
    ("typed", "piece"),
    [
        ("", "empty"),
        ("http://10.0.0.5", "'http://'"),
        ("qemu+ssh://10.0.0.5/system", "'qemu+ssh://'"),
        ("host/1.0/instances", "'/1.0/instances'"),
        ("https://host:8443/?x=1", "'?x=1'"),
        ("host?", "'?'"),
        ("host#top", "'#top'"),
        ("user@host", "User information"),
        ("host:", "''"),
        ("host:http", "'http'"),
        ("host:0", "'0'"),
        ("host:65536", "'65536'"),
        ("host:-1", "'-1'"),
        ("https://:8443", "missing"),
        ("ho st", "'ho st'"),
        ("-host", "'-host'"),
        ("10.0.0.256", "'10.0.0.256'"),
        ("10.0.0", "'10.0.0'"),
        ("[fd00::5", "bracket"),
        ("[fd00::5]x", "'x'"),
        ("[host]", "'host'"),
        ("fd00::g", "'fd00::g'"),
        ("fe80::1%eth0", "'%eth0'"),
        ("a..b", "'a..b'"),
    ],
)
def test_T06_what_cannot_be_is_refused_by_the_name_of_the_piece(typed: str, piece: str) -> None:
    with pytest.raises(Invalid) as refused:
        normalise(typed)
    (message,) = refused.value.fields["power_address"]
    assert piece in message


def test_T06_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(Invalid) as refused:
        normalise("https://admin:geheim@host")
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("name", ["my_project", "a b", "*", "a/b", "", ".", "..", "it's", 'a"b', "a\tb"])
def test_T14_project_names_that_lxd_would_refuse(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_project(name)
    assert refused.value.fields["project"]


@pytest.mark.parametrize("name", ["default", "maas", "my-project", "Team.1", "a:b"])
def test_T14_project_names_that_lxd_takes(name: str) -> None:
    assert check_project(name) == name
