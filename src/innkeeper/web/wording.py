"""What the API says to programs, as people read it on pages. The one place that translates.

Sizes as `formats` writes them, one of a thing in the singular, and no ids, parameters or models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from innkeeper.web import formats

Names = Mapping[str, str]  # what an id stands for: a machine's host name, what an operation does
NO_NAMES: Names = MappingProxyType({})

_LABELS = {
    "cpu_count": "CPU cores",
    "memory": "Memory",
    "hostname": "Host name",
    "name": "Name",
    "power_address": "Address",
    "cpu_over_commit_ratio": "CPU overcommit ratio",
    "memory_over_commit_ratio": "Memory overcommit ratio",
    "storage_over_commit_ratios": "Storage overcommit ratios",
    "default_macvlan_mode": "macvlan mode",
    "guest_address": "Address for guests",
    "schedulable": "New machines",
    "closed_reason": "Why it is closed",
    "distro_series": "Image",
    "user_data": "User data",
    "pool": "Resource pool",
    "mac_addresses": "MAC addresses",
    "cidr": "CIDR",
    "vid": "VLAN tag",
    "mtu": "MTU",
    "ip": "IP address",
    "gateway_ip": "Gateway",
    "dns_servers": "DNS servers",
    "start_ip": "First address",
    "end_ip": "Last address",
    "url": "URL",
    "typed": "To confirm",
    "username": "User name",
    "email": "E-mail address",
    "is_superuser": "Administrator",
    "transfer_resources_to": "Who gets what they own",
    "key": "Key",
}
_RATIO = "ratio."  # before the name of a storage pool: the field of its ratio

_ID = r"[0-9a-f]{32}"
_SIZE = re.compile(r"\b\d{7,}\b(?: bytes)?|\b\d{4,} bytes")
_CHANGED = re.compile(rf"^(?:cancelled|resumed) operation ({_ID})$")
_UNITS: Mapping[str, Callable[[int], str]] = {"MiB": formats.mib, "bytes": formats.size}
_SHORT = re.compile(
    r"asked (?P<asked>\d+) (?P<unit>cores|MiB|bytes), free (?P<free>\d+) (?P=unit)(?: \(over by (?P<over>\d+)\))?; "
    r"limit (?P<limit>\d+) = (?P<physical>\d+) × overcommit ratio (?P<ratio>\S+), "
    r"(?P<claimed>\d+) held by machines, (?P<others>\d+) by others"
)


def plain(text: str, names: Names = NO_NAMES) -> str:
    """A sentence of the API in plain words."""
    for rule in _RULES:
        text = _follow(rule, text, names)
    if "storage pool" in text or "bytes" in text:
        text = _SIZE.sub(lambda match: formats.size(int(match[0].removesuffix(" bytes"))), text)
    return text


def _follow(rule: Rule, text: str, names: Names) -> str:
    pattern, words = rule
    return pattern.sub(lambda match: words(match, names), text)


def told(text: str) -> str:
    """The text of an event in plain words."""
    text = plain(text)
    for pattern, words in _EVENTS:
        text = pattern.sub(words, text)
    return text


def of_operation(text: str) -> str:
    """The id of the operation that somebody cancelled or resumed, by the text of its event; "" for other events."""
    match = _CHANGED.match(text)
    return match[1] if match else ""


def label(name: str) -> str:
    """What a field is called, where its page says nothing else: "cpu_count" is "CPU cores"."""
    if name.startswith(_RATIO):
        return f"Overcommit ratio of {name.removeprefix(_RATIO)}"
    return _LABELS.get(name) or capital(name.replace("_", " "))


def capital(text: str) -> str:
    """A text that begins a sentence."""
    return f"{text[:1].upper()}{text[1:]}"


def sentences(text: str) -> str:
    """Sentences that begin as sentences do; names of hosts and machines stay as they are."""
    return _BEGINS.sub(lambda match: capital(match[0]), text)


def operation(kind: str, on: str) -> str:
    """What an operation does, and on what: "“Power on” of inn-6"."""
    what = f"“{capital(kind.replace('_', ' '))}”"
    return f"{what} of {on}" if on else what


_BEGINS = re.compile(r"(?:^|(?<=[.!?] ))(?:it|its|they|there|the|this|that|no|not|nobody|nothing|our|what|who)(?= )")


def _amount(value: int, unit: str) -> str:
    return _UNITS[unit](value) if unit in _UNITS else str(value)


def _short(match: re.Match[str], _: Names) -> str:
    """What is missing of a resource. Where both amounts look the same, also by how much."""
    unit = match["unit"]
    number = {name: int(text or 0) for name, text in match.groupdict().items() if name not in ("unit", "ratio")}
    shown = {name: _amount(value, unit) for name, value in number.items()}
    if unit == "cores":
        shown |= {name: formats.plural(number[name], "core") for name in ("asked", "free")}
    over = f" (over by {shown['over']})" if match["over"] else ""
    if shown["asked"] == shown["free"]:
        over += f", {_amount(number['asked'] - number['free'] + number['over'], unit)} too few"
    return (
        f"asked {shown['asked']}, free {shown['free']}{over}; limit {shown['limit']} = {shown['physical']} "
        f"× overcommit ratio {match['ratio']}, {shown['claimed']} held by machines, {shown['others']} by others"
    )


def _removing(match: re.Match[str], _: Names) -> str:
    kinds = match[3].replace("_", " ")
    if kinds == "remove host":
        return f"VM host {match[1]} is being removed already."
    return f"VM host {match[1]} has {formats.plural(int(match[2]), 'operation')} running or stopped: {kinds}."


def _taken(match: re.Match[str], names: Names) -> str:
    name = names.get(match[1], "It")
    return f"{name} is not free any more: somebody was faster, or it is being worked on."


def _operation(match: re.Match[str], names: Names) -> str:
    return names.get(match[2]) or ("This operation" if match[1] == "O" else "an operation")


def _fields(match: re.Match[str], _: Names) -> str:
    return f"Not right yet: {', '.join(label(name) for name in match[1].split(', '))}."


def _changed(match: re.Match[str]) -> str:
    words = [label(name) for name in match[2].split(", ")]
    return f"{match[1]}: {', '.join(one if one[1:2].isupper() else one[:1].lower() + one[1:] for one in words)}"


def _says(words: str) -> Callable[[re.Match[str], Names], str]:
    return lambda match, _: match.expand(words)


Rule = tuple[re.Pattern[str], Callable[[re.Match[str], Names], str]]
_RULES: tuple[Rule, ...] = (
    (re.compile(r"^No \w+(?: \w+)* matches the given query\.$"), _says("It is not there any more.")),
    (
        re.compile(r"^(?:There is no (?:boot source|domain|image|resource pool|user|zone)|No operation) [0-9a-f]+\.$"),
        _says("It is not there any more."),
    ),
    (re.compile(r"\b(cannot change now): (\w+) is\b"), lambda match, _: f"{match[1]}: {match[2].replace('_', ' ')} is"),
    (re.compile(r"\bvid (\d+)"), _says(r"tag \1")),
    (re.compile(r"^No machine with system ID (\S+) available\.$"), _taken),
    (re.compile(r"^.*None is composed for a request by system_id, name or tags\.$", re.DOTALL), _says("")),
    (re.compile(r"^Not accepted: (.+)\.$"), _fields),
    (re.compile(r"^Invalid ([a-z_]+): "), lambda match, _: f"{label(match[1])}: "),
    (re.compile(r"^VM host (\S+) has (\d+) operations running or stopped \((.+)\)\.$"), _removing),
    (
        re.compile(r"^Wait for them, cancel them, or remove the host with force=true\.$"),
        _says("Wait for that, cancel it on the page of operations, or tick “By force” on this page."),
    ),
    (re.compile(r": schedulable=false closed_reason=… \(PUT [^)]*\)"), _says("")),
    (re.compile(r"; send it with schedulable=false$"), _says(": close it, and say why")),
    (re.compile(rf"\bAn administrator can resume operation {_ID}\."), _says("An administrator can resume it.")),
    (re.compile(rf"\bWait for operation {_ID}, or cancel it\."), _says("Wait for what is under way, or cancel it.")),
    (re.compile(rf"\bOperation {_ID} \(\w+\) goes on by itself\."), _says("It goes on by itself.")),
    (re.compile(rf"(?<!marked with )\b([Oo])peration ({_ID})\b"), _operation),
    (re.compile(r" \(id \d+\)"), _says("")),
    (_SHORT, _short),
    (re.compile(r"\b(\d+) → (?=\d+ bytes)"), _says(r"\1 bytes → ")),
    (re.compile(r"(?<![\d.])(\d+) MiB\b"), lambda match, _: formats.mib(int(match[1]))),
    (re.compile(r"(?<![\d.,])1 (core|byte|operation|machine|VM|VM host|day|disk|instance)s\b"), _says(r"1 \1")),
)
_EVENTS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"^power_(on|off) "), r"powered \1 "),
    (re.compile(r", decompose=False$"), ", and left its VMs as they are"),
    (re.compile(r", decompose=True$"), " with its composed machines"),
    (re.compile(r"^(\w+) the (static route) \d+$"), r"\1 a \2"),
    (re.compile(r"^(\w+) the (SSH key) \d+$"), r"\1 an \2"),
    (re.compile(r"^(changed .+): ([a-z_]+(?:, [a-z_]+)*)$"), _changed),
)

FILTERS: Mapping[str, Callable[..., Any]] = {
    "plain": plain,
    "told": told,
    "operation": of_operation,
    "label": label,
    "capital": capital,
    "sentences": sentences,
}
