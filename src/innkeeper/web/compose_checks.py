"""What is wrong with a filled-in form, by the fields of its rows: what cannot be written as the API's text, and what
the API and placement said of it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import replace

from innkeeper.errors import InnkeeperError, Invalid
from innkeeper.placement.decide import Decision
from innkeeper.placement.fit import Reason
from innkeeper.web import numbers
from innkeeper.web.calls import Trouble
from innkeeper.web.compose_cores import cores_of
from innkeeper.web.compose_form import PINNED, PLAIN, Filled, words
from innkeeper.web.compose_limits import Limits
from innkeeper.web.wording import capital, plain

Wrong = dict[str, list[str]]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_OF_API = {api: name for name, (api, _) in PLAIN.items()}
_OF_REASON = {
    "cores": "cores",
    "pinned cores": PINNED,
    "memory": "memory",
    "huge pages": "memory",
    "architecture": "architecture",
    "zone": "zone",
    "pool": "pool",
    "anti_affinity": "group",
}
_ROWS = {
    "disk": {"size": "size", "pool": "pool", "tags": "tags"},
    "nic": {"name": "name", "network": "network", "ip": "address"},
}


def label(name: str) -> str:
    """What a field is called: "disk-2-size" → "Disk 2: size"."""
    if name in PLAIN:
        return PLAIN[name][1]
    kind, _, rest = name.partition("-")
    number, _, what = rest.partition("-")
    if kind in _ROWS and what in _ROWS[kind]:
        return f"{'Disk' if kind == 'disk' else 'Interface'} {number}: {_ROWS[kind][what]}"
    return {"storage": "Disks", "interfaces": "Interfaces", "user_data": "User data"}.get(name, name)


def problems(filled: Filled, limits: Limits) -> Wrong:
    """What cannot be sent at all, or would mean something else there."""
    wrong: Wrong = {}
    if filled.is_pinned and limits.host is None:
        wrong["cores"] = ["Cores are pinned on one host: choose it, or give a number of cores."]
    elif filled.is_pinned:
        try:
            cores_of(filled.values.get(PINNED, ""))
        except Invalid as error:
            wrong[PINNED] = [error.brief]
    for name in ("memory",) if filled.is_pinned else ("cores", "memory"):
        if not numbers.is_whole(filled.values.get(name, "")):
            wrong[name] = [numbers.WHOLE]
    known = {one.name for one in limits.pools}
    for number, disk in enumerate(filled.disks, 1):
        if not numbers.is_size(disk.size):
            wrong[f"disk-{number}-size"] = [numbers.SIZE]
        if disk.pool and disk.pool not in known:
            where = limits.host.name if limits.host else "No host"
            wrong[f"disk-{number}-pool"] = [f"{where} has {'no' if limits.host else 'a'} storage pool {disk.pool}."]
        if said := [_bad_tag(tag, known) for tag in words(disk.tags) if _bad_tag(tag, known)]:
            wrong[f"disk-{number}-tags"] = said
    for number, nic in enumerate(filled.nics, 1):
        if not _NAME.fullmatch(nic.name.strip()):
            wrong[f"nic-{number}-name"] = ["Letters, digits, hyphens and underscores, such as eth0."]
        if nic.network and nic.network not in dict(limits.networks):
            where = limits.host.name if limits.host else "No host"
            network = nic.network.partition("=")[2]
            wrong[f"nic-{number}-network"] = [f"{where} {'does not reach' if limits.host else 'reaches'} {network}."]
        if nic.ip.strip() and not _is_ip(nic.ip.strip()):
            wrong[f"nic-{number}-ip"] = ["Write an IP address, or nothing."]
    return wrong


def refused(error: InnkeeperError, filled: Filled) -> Trouble:
    """What the API said, by the form's own fields."""
    wrong: Wrong = {}
    if isinstance(error, Invalid):
        for name, texts in error.fields.items():
            for text in texts:
                wrong.setdefault(_field(name, text, filled), []).append(plain(text))
    elif nic := _nic(error.brief, filled, begins=True):  # an address that somebody has is a conflict
        wrong[f"{nic}-ip"] = [error.brief]
    return replace(Trouble.of(error), fields=wrong)


def unplaced(decision: Decision, filled: Filled, limits: Limits) -> Wrong:
    """What no host has, by the form's own fields: of one host all that stands against it."""
    if limits.host is not None:
        return _said((one for verdict in decision.verdicts for one in verdict.reasons), filled, limits)
    everywhere = [about for about, count in decision.failed.items() if count == len(decision.verdicts)]
    nowhere = (Reason("limit", "No host has that.", about) for about in everywhere)
    return _said(nowhere, filled, limits)


def _said(reasons: Iterable[Reason], filled: Filled, limits: Limits) -> Wrong:
    wrong: Wrong = {}
    for one in reasons:
        name = _OF_REASON.get(one.about, "")
        if one.about == "storage":
            name = _disk_of_pool(one.text, filled, limits)
        elif one.about == "interfaces":
            nic = _nic(one.text, filled)
            name = f"{nic}-network" if nic else "interfaces"
        if name:
            wrong.setdefault(name, []).append(capital(plain(one.text)))
    return wrong


def _field(name: str, text: str, filled: Filled) -> str:
    if name == "storage":
        found = next((n for n, _ in filled.in_order if f"'{filled.label(n)}:" in text), 0)
        return f"disk-{found}-size" if found else "storage"
    if name == "interfaces":
        nic = _nic(text, filled)
        about = "ip" if "address" in text or "ip=" in text else "name" if "label" in text else "network"
        return f"{nic}-{about}" if nic else "interfaces"
    return _OF_API.get(name, name)


def _nic(text: str, filled: Filled, *, begins: bool = False) -> str:
    """The row whose name a text says, "" none."""
    for number, nic in enumerate(filled.nics, 1):
        name = re.escape(nic.name.strip())
        if name and re.search(rf"^{name}:" if begins else rf"(?<![\w-]){name}(?![\w-])", text):
            return f"nic-{number}"
    return ""


def _disk_of_pool(text: str, filled: Filled, limits: Limits) -> str:
    """The last disk that goes to the pool that a text names: those before it have room."""
    named = [n for n, disk in filled.in_order if f"storage pool {disk.pool or limits.default_pool}:" in text]
    return f"disk-{named[-1]}-size" if named else "storage"


def _bad_tag(tag: str, pools: set[str]) -> str:
    if tag in pools:
        return f"{tag} is a storage pool: choose it as the pool."
    return f"{tag} has parentheses." if "(" in tag or ")" in tag else ""


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
