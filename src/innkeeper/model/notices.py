"""What somebody should look at before it hurts: decided from what is known, without a side effect.

A notice lasts as long as its cause. It is told once, and again when it reaches another stage (a certificate that has
30 days left, then 7, then none).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from innkeeper.model.capacity import Figure
from innkeeper.model.host import Host, HostState

DAY = 86400.0
CERTIFICATE_DAYS = (30, 7)  # days left of our certificate at which it is told; the last is urgent
AWAY_AFTER = 600.0  # seconds that a host may be away
POOL_PERCENT = 90  # a pool that is fuller is told

# A host in one of these does not take part, and does not come back by itself for sure.
AWAY = (HostState.UNREACHABLE, HostState.UNTRUSTED, HostState.CHANGED)


class Kind(StrEnum):
    """What a notice is about."""

    CERTIFICATE = "certificate"
    UNREACHABLE = "unreachable"
    POOL = "pool"
    MISSING = "missing"


# What only an administrator can do something about, and need not trouble others.
FOR_ADMINISTRATORS = (Kind.CERTIFICATE, Kind.POOL)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One notice. `subject`: what it is about, unique. `since`: when it was first noticed, 0 while it is not kept."""

    subject: str
    kind: Kind
    stage: str = ""
    urgent: bool = False
    host_id: int
    system_id: str = ""
    pool: str = ""
    text: str
    since: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PoolLook:
    """A storage pool as it is looked at: its figure, bytes written of all it has."""

    host: Host
    name: str
    figure: Figure
    written: int | None


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A machine whose instance is not on its host any more."""

    system_id: str
    hostname: str
    host_id: int
    host: str


def decide(
    *, now: float, hosts: Iterable[Host], pools: Iterable[PoolLook], missing: Iterable[Missing]
) -> tuple[Notice, ...]:
    """Every notice there is to give at this moment (the database's clock), by subject."""
    found = [
        *(one for host in hosts for one in (certificate(host, now=now), away(host, now=now))),
        *(full(pool) for pool in pools),
        *(gone(machine) for machine in missing),
    ]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.subject))


def certificate(host: Host, *, now: float) -> Notice | None:
    """That our certificate for a host ends soon, or has ended."""
    if not host.certificate_expires or host.state == HostState.REMOVING:
        return None
    left = int((host.certificate_expires - now) // DAY)
    passed = [days for days in CERTIFICATE_DAYS if left <= days]
    if not passed:
        return None
    day = _day(host.certificate_expires)
    if left < 0:
        stage, text = "ended", f"The certificate that Innkeeper shows to VM host {host.name} ended on {day}."
    else:
        stage, days = str(passed[-1]), {0: "less than a day", 1: "1 day"}.get(left, f"{left} days")
        text = f"The certificate that Innkeeper shows to VM host {host.name} ends in {days}, on {day}."
    return Notice(
        subject=f"{Kind.CERTIFICATE}/{host.id}",
        kind=Kind.CERTIFICATE,
        stage=stage,
        urgent=left <= CERTIFICATE_DAYS[-1],
        host_id=host.id,
        text=text,
    )


def away(host: Host, *, now: float) -> Notice | None:
    """That a host has not taken part for too long."""
    if host.state not in AWAY or (host.state_since and now - host.state_since <= AWAY_AFTER):
        return None
    since = f" since {_minute(host.state_since)} UTC" if host.state_since else ""
    state = "has been unreachable" if host.state == HostState.UNREACHABLE else f"has been out of reach ({host.state})"
    return Notice(
        subject=f"{Kind.UNREACHABLE}/{host.id}",
        kind=Kind.UNREACHABLE,
        stage=str(host.state)[:20],
        urgent=True,
        host_id=host.id,
        text=f"VM host {host.name} {state}{since}." + (f" {host.reason}" if host.reason else ""),
    )


def full(pool: PoolLook) -> Notice | None:
    """That a storage pool is nearly full: of what is written, or else of what may be promised."""
    figure = pool.figure
    written = _percent(pool.written or 0, figure.physical)
    promised = _percent(figure.used, figure.limit)
    named = f"torage pool {pool.name} of VM host {pool.host.name}"
    if written > POOL_PERCENT:
        text = f"S{named} is {int(written)} % full."
    elif promised > POOL_PERCENT:
        text = f"S{named} is {int(promised)} % given away, at its overcommit ratio."
    else:
        return None
    return Notice(
        subject=f"{Kind.POOL}/{pool.host.id}/{pool.name}",
        kind=Kind.POOL,
        host_id=pool.host.id,
        pool=pool.name,
        text=text,
    )


def gone(machine: Missing) -> Notice:
    """That a machine's instance is not there any more."""
    return Notice(
        subject=f"{Kind.MISSING}/{machine.system_id}",
        kind=Kind.MISSING,
        urgent=True,
        host_id=machine.host_id,
        system_id=machine.system_id,
        text=f"Machine {machine.hostname} is missing: its instance is not on VM host {machine.host} any more.",
    )


def _percent(part: int, whole: int) -> float:
    """Of nothing (a pool that is closed by its ratio) nothing is used."""
    return part * 100 / whole if whole > 0 else 0.0


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def _minute(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"
