"""What MAAS's clients insist on in an answer, field by field: a missing field, a null, an int for a float breaks them.

`must`: there and not null. `key`: there, null allowed. `omit`: absent or not null. `may`: absent or null, but of no
other type. Types are exact: true is no number, 1 is no float.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any


@dataclass(frozen=True)
class Field:
    """One field: whether it has to be there, whether it may be null, and what it holds.

    `holds`: a type, a table for an object, or a list of one of these for a list of them.
    """

    holds: Any
    there: bool
    null: bool


Table = Mapping[str, Field]


def must(holds: Any) -> Field:
    return Field(holds, True, False)


def key(holds: Any) -> Field:
    return Field(holds, True, True)


def omit(holds: Any) -> Field:
    return Field(holds, False, False)


def may(holds: Any) -> Field:
    return Field(holds, False, True)


class Address(str):
    """A text that is an IP address."""


class Uri(str):
    """A path from the host's root that ends in "/" and has `within` in it: Go's clients go there as it is."""

    within = "/MAAS/api/2.0/"


class DeviceUri(Uri):
    """That of a device."""

    within = "/MAAS/api/2.0/devices/"


class Texts(dict[str, str]):
    """An object of texts only."""


def faults(document: Any, table: Table, where: str = "") -> list[str]:
    """Everything that a client with that table would break on; [] for an answer that it takes."""
    if not isinstance(document, dict):
        return [f"{where or 'the answer'} is {document!r}, no object"]
    found = []
    for name, field in table.items():
        here = f"{where}.{name}" if where else name
        if name not in document:
            found += [f"{here} is missing"] if field.there else []
        elif document[name] is None:
            found += [] if field.null else [f"{here} is null"]
        else:
            found += _value(document[name], field.holds, here)
    return found


def _value(value: Any, holds: Any, where: str) -> list[str]:
    if isinstance(holds, list):
        if not isinstance(value, list):
            return [f"{where} is {value!r}, no list"]
        return [fault for number, one in enumerate(value) for fault in _value(one, holds[0], f"{where}[{number}]")]
    if isinstance(holds, Mapping):
        return faults(value, holds, where)
    if isinstance(holds, type) and issubclass(holds, Uri):
        right = isinstance(value, str) and value.startswith(holds.within) and value.endswith("/")
        return [] if right else [f"{where} is {value!r}, no {holds.within}…/"]
    if holds is Address:
        return _address(value, where)
    if holds is Texts:
        texts = isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
        return [] if texts else [f"{where} is {value!r}, no object of texts"]
    return [] if type(value) is holds else [f"{where} is {value!r}, no {holds.__name__}"]


def _address(value: Any, where: str) -> list[str]:
    try:
        ip_address(value)
    except ValueError:
        return [f"{where} is {value!r}, no address"]
    return []


def expect(document: Any, table: Table) -> Any:
    """The document itself, if the client takes it."""
    found = faults(document, table)
    assert found == [], found
    return document


def expect_all(documents: Any, table: Table) -> list[Any]:
    """The list itself, if the client takes everything in it."""
    assert isinstance(documents, list), documents
    return [expect(one, table) for one in documents]
