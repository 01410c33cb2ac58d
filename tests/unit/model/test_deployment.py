"""Where guests find us, and what is waited for."""

from __future__ import annotations

import pytest

from innkeeper.errors import Invalid
from innkeeper.model.deployment import Sign, base_url, check_guest_address, in_words, signs


@pytest.mark.parametrize(
    ("chosen", "our_end", "listens", "url"),
    [
        ("", "10.0.0.1", "0.0.0.0", "http://10.0.0.1:5240"),
        ("", "fd00::1", "::", "http://[fd00::1]:5240"),
        ("", "fd00::1", "0.0.0.0", ""),
        ("", "10.0.0.1", "::", ""),
        ("", "10.0.0.1", "10.7.0.1", "http://10.7.0.1:5240"),
        ("", "10.0.0.1", "inn.example", "http://inn.example:5240"),
        ("", "10.0.0.1", "127.0.0.1", ""),
        ("", "10.0.0.1", "localhost", ""),
        ("", "127.0.0.1", "0.0.0.0", ""),
        ("", "fe80::1%eth0", "::", ""),
        ("", "", "0.0.0.0", ""),
        ("192.0.2.1", "", "127.0.0.1", "http://192.0.2.1:5240"),
        ("192.0.2.1:80", "", "127.0.0.1", "http://192.0.2.1:80"),
        ("fd00::1", "", "127.0.0.1", "http://[fd00::1]:5240"),
        ("[fd00::1]:80", "", "127.0.0.1", "http://[fd00::1]:80"),
        ("https://inn.example/here/", "", "127.0.0.1", "https://inn.example/here"),
    ],
)
def test_where_guests_call(chosen: str, our_end: str, listens: str, url: str) -> None:
    assert base_url(chosen=chosen, our_end=our_end, listens=listens, port=5240) == url


@pytest.mark.parametrize(
    "text", ["", "10.0.0.1", "10.0.0.1:80", "inn.example", "fd00::1", "[fd00::1]:80", "http://inn.example:5240/x"]
)
def test_what_can_be_set_as_their_address(text: str) -> None:
    assert check_guest_address(f" {text} ") == text


@pytest.mark.parametrize(
    "text", ["ftp://inn", "inn example", "10.0.0.1/x", "http://", "inn:port", "a:b@c", "inn:123456"]
)
def test_what_cannot(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_guest_address(text)
    assert set(caught.value.fields) == {"guest_address"}


def test_what_is_waited_for() -> None:
    assert signs("http://10.0.0.1:5240") == (Sign.PHONE_HOME,)
    assert signs("") == (Sign.AGENT, Sign.LEASE)
    # their own phone_home takes the place of ours
    assert set(signs("http://10.0.0.1:5240", user_data="#cloud-config\nphone_home: {url: x}\n")) == set(Sign)
    assert "agent or a lease" in in_words(signs(""), "")
    assert "http://10.0.0.1:5240" in in_words((Sign.PHONE_HOME,), "http://10.0.0.1:5240")
