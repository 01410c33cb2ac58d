"""What is to be noticed, at the edges of each rule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from innkeeper.model import capacity, notices
from innkeeper.model.host import Host, HostState
from innkeeper.model.notices import Kind, Missing, Notice, PoolLook

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC).timestamp()
DAY, GB = 86400.0, 10**9


def host(**values: Any) -> Host:
    given = {"id": 3, "kind": "lxd", "name": "alpha", "address": "a", "project": "p", "state": HostState.READY}
    return Host(**(given | values))


def pool(*, ratio: float = 1.0, written: int | None = 0, claimed: int = 0, others: int = 0) -> PoolLook:
    figure = capacity.storage(
        name="fast", total=100 * GB, ratio=ratio, written=written or 0, foreign=0, claimed=claimed, others=others
    )
    return PoolLook(host=host(), name="fast", figure=figure, written=written)


@pytest.mark.parametrize(
    ("left", "stage", "urgent"),
    [
        (31 * DAY, None, False),
        (30.9 * DAY, "30", False),
        (30 * DAY, "30", False),
        (8 * DAY, "30", False),
        (7.9 * DAY, "7", True),
        (1, "7", True),
        (-1, "ended", True),
        (-400 * DAY, "ended", True),
    ],
)
def test_certificates(left: float, stage: str | None, urgent: bool) -> None:
    found = notices.certificate(host(certificate_expires=NOW + left), now=NOW)
    assert ((found.stage, found.urgent) if found else (None, False)) == (stage, urgent)


def test_a_certificates_words() -> None:
    one = notices.certificate(host(certificate_expires=NOW + 23.5 * DAY), now=NOW)
    assert one is not None
    assert one.text == "The certificate that Innkeeper shows to VM host alpha ends in 23 days, on 2026-12-20."
    assert notices.certificate(host(), now=NOW) is None  # not known yet
    assert notices.certificate(host(certificate_expires=1.0, state=HostState.REMOVING), now=NOW) is None


@pytest.mark.parametrize(
    ("state", "ago", "told"),
    [
        (HostState.UNREACHABLE, 600, False),
        (HostState.UNREACHABLE, 601, True),
        (HostState.UNTRUSTED, 601, True),
        (HostState.CHANGED, 601, True),
        (HostState.READY, 9000, False),
        (HostState.DEGRADED, 9000, False),
        (HostState.WAITING, 9000, False),
        (HostState.REMOVING, 9000, False),
    ],
)
def test_hosts_that_are_away(state: HostState, ago: float, told: bool) -> None:
    found = notices.away(host(state=state, state_since=NOW - ago, reason="it is down"), now=NOW)
    assert (found is not None) == told


def test_an_absence_whose_beginning_is_not_known_is_told() -> None:
    found = notices.away(host(state=HostState.UNREACHABLE, state_since=0.0, reason="it is down"), now=NOW)
    assert found is not None
    assert found.text == "VM host alpha has been unreachable. it is down"


@pytest.mark.parametrize(
    ("look", "words"),
    [
        (pool(written=90 * GB), ""),
        (pool(written=90 * GB + 1), "Storage pool fast of VM host alpha is 90 % full."),
        (pool(ratio=2, written=95 * GB), "Storage pool fast of VM host alpha is 95 % full."),
        (pool(claimed=60 * GB, others=30 * GB), ""),
        (
            pool(claimed=60 * GB, others=31 * GB),
            "Storage pool fast of VM host alpha is 91 % given away, at its overcommit ratio.",
        ),
        (pool(ratio=2, claimed=170 * GB), ""),
        (pool(ratio=0, claimed=50 * GB), ""),  # closed on purpose
        (
            pool(written=None, claimed=91 * GB),
            "Storage pool fast of VM host alpha is 91 % given away, at its overcommit ratio.",
        ),
    ],
)
def test_pools(look: PoolLook, words: str) -> None:
    found = notices.full(look)
    assert (found.text if found else "") == words


def test_everything_at_once_by_subject() -> None:
    away = host(id=4, name="beta", state=HostState.UNREACHABLE, state_since=NOW - 601)
    found = notices.decide(
        now=NOW,
        hosts=[host(certificate_expires=NOW + DAY), away],
        pools=[pool(written=95 * GB)],
        missing=[Missing(system_id="abc", hostname="web", host_id=3, host="alpha")],
    )
    assert [(one.subject, one.kind, one.host_id) for one in found] == [
        ("certificate/3", Kind.CERTIFICATE, 3),
        ("missing/abc", Kind.MISSING, 3),
        ("pool/3/fast", Kind.POOL, 3),
        ("unreachable/4", Kind.UNREACHABLE, 4),
    ]
    assert len({one.subject for one in found}) == len(found)
    assert all(isinstance(one, Notice) and one.text for one in found)
