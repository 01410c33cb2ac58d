"""How a state looks: one rule for what is told and for what is shown."""

from __future__ import annotations

import pytest

from innkeeper.model import notices
from innkeeper.model.host import Host, HostState
from innkeeper.web import tones


@pytest.mark.parametrize("left", [-1, 0, 6, 7, 8, 29, 30, 31, 3650])
def test_a_certificate_looks_as_its_notice_is(left: int) -> None:
    told = notices.certificate(HOST, now=HOST.certificate_expires - left * notices.DAY)
    assert tones.of_days(left) == ("good" if told is None else "bad" if told.urgent else "warn")


def test_what_is_not_known_looks_like_nothing() -> None:
    assert tones.of_days(None) == "off"
    assert {tones.of_host(state) for state in HostState} == {"good", "busy", "warn", "bad"}


HOST = Host(
    id=1,
    kind="lxd",
    name="alpha",
    address="https://192.0.2.1:8443",
    project="default",
    fingerprint="",
    state=HostState.READY,
    certificate_expires=4e9,
    zone_id=1,
    pool_id=0,
)
