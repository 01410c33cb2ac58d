"""What would become of a filled-in form: the verdict of every host, and the machine as it would be made on the best."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from starlette.requests import Request

from innkeeper.api.auth import Actor
from innkeeper.api.house import MARK, House
from innkeeper.api.maas.compose import COMPOSE_PARAMS, request_of
from innkeeper.api.maas.parameters import read
from innkeeper.errors import InnkeeperError, Invalid
from innkeeper.model.allocation import Wish
from innkeeper.model.machine import Machine
from innkeeper.model.names import random_name
from innkeeper.model.network_names import Networks
from innkeeper.placement.decide import Decision, Verdict, decide
from innkeeper.placement.fit import Fit
from innkeeper.placement.interfaces import PlacedInterface
from innkeeper.store import machines, operations
from innkeeper.web.calls import Trouble, perform
from innkeeper.web.compose_checks import refused, unplaced
from innkeeper.web.compose_form import Filled, Pairs
from innkeeper.web.compose_limits import Limits
from innkeeper.web.wording import capital, plain

PATIENCE = 1.0  # how long a compose is waited for before its page is shown, seconds


@dataclass(frozen=True, kw_only=True)
class Review:
    """What would become of a form. `trouble`: why nothing; `verdicts`: the best host first; `name`: the machine's."""

    verdicts: tuple[Verdict, ...] = ()
    best: Verdict | None = None
    name: str = ""
    trouble: Trouble | None = None
    networks: tuple[str, ...] = ()
    zone: str = ""
    pool: str = ""

    @property
    def fit(self) -> Fit | None:
        """How it would be made."""
        return self.best.fit if self.best else None


async def review(request: Request, inn: House, who: Actor, filled: Filled, limits: Limits) -> Review:
    """The decision over the hosts that are asked for, then a dry run on the best: the API's own call and checks."""
    sent = filled.sent(host_chosen=limits.host is not None)
    try:
        decision, name = await inn.services.database.reading(_decide, filled, limits)
    except Invalid as error:
        return Review(trouble=refused(error, filled))
    verdicts = ordered(decision)
    best = decision.best
    if best is None or best.fit is None:
        where = limits.host.name if limits.host else "No VM host" if decision.verdicts else ""
        brief = (
            f"{where} can{'not' if limits.host else ''} hold this machine now." if where else "There is no VM host yet."
        )
        wrong = unplaced(decision, filled, limits)
        return Review(verdicts=verdicts, trouble=Trouble(brief=brief, fields=wrong))
    if not filled.values.get("hostname"):
        sent = [*sent, ("hostname", name)]
    try:
        path = f"vm-hosts/{best.host_id}/"
        await perform(request, who, "POST", path, op="compose", sent=[*sent, ("dry_run", "true")])
    except InnkeeperError as error:
        return Review(verdicts=verdicts, trouble=refused(error, filled))
    host = next(one for one in limits.standings if one.candidate.host_id == best.host_id)
    given = filled.values if limits.host is not None else {}  # else the host was chosen by them
    return Review(
        verdicts=verdicts,
        best=best,
        name=name,
        networks=tuple(_on(one, host.candidate.known) for one in best.fit.interfaces),
        zone=given.get("zone") or host.zone,
        pool=given.get("pool") or host.pool,
    )


def _decide(sql: sa.Connection, filled: Filled, limits: Limits) -> tuple[Decision, str]:
    """The decision, and the name: a free random one where none is given."""
    wanted = request_of(sql, read(COMPOSE_PARAMS, tuple(filled.sent())))
    wish = Wish()
    if limits.host is None:
        wish = Wish(
            zone_ids=(wanted.zone_id,) if wanted.zone_id is not None else (),
            pool_ids=(wanted.pool_id,) if wanted.pool_id is not None else (),
        )
    name = wanted.hostname or random_name()
    while not wanted.hostname and machines.taken(sql, name):
        name = random_name()
    return decide(limits.standings, wish, request=wanted), name


def ordered(decision: Decision) -> tuple[Verdict, ...]:
    """The best first, then those that fit, then the rest by name; reasons as people read them."""

    def place(one: Verdict) -> tuple[bool, bool, float, str]:
        return (one is not decision.best, one.fit is None, -one.score, one.host)

    return tuple(sorted(decision.verdicts, key=place))


def reasons(one: Verdict) -> Sequence[str]:
    """What stands against a host."""
    return [capital(plain(each.text)) for each in one.reasons]


def _on(nic: PlacedInterface, known: Networks) -> str:
    """The network that a NIC would be on, in words."""
    subnet = known.subnet(nic.subnet_id) if nic.subnet_id is not None else None
    vlan = f", VLAN {nic.tag}" if nic.tag else ""
    return f"{subnet.cidr if subnet else 'no subnet known'}{vlan}"


# --- composing once


def token() -> str:
    """What a form is known by: sent twice it makes one machine."""
    return secrets.token_hex(16)


async def compose(request: Request, who: Actor, host_id: int, sent: Pairs, *, mark: str) -> str:
    """Compose; the system id. Its form's mark is the request's: it goes with the operation and its events."""
    headers = [*request.scope["headers"], (MARK.encode(), mark[:64].encode())]
    marked = Request({**request.scope, "headers": headers}, request.receive)
    made = await perform(marked, who, "POST", f"vm-hosts/{host_id}/", op="compose", sent=sent, patience=PATIENCE)
    assert isinstance(made, dict)
    return str(made["system_id"])


def made_before(sql: sa.Connection, name: str, mark: str, who: Actor) -> Machine | None:
    """The machine that this very form made when it was sent before."""
    there = machines.named(sql, name.lower()) if mark and name else None
    if there is None or there.composer_id != who.user_id:
        return None
    before = operations.last_of(sql, system_id=there.system_id, kind="compose")
    return there if before is not None and before.request == mark else None
