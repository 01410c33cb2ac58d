"""The parameters of a call as a table, and what was sent checked against it: nothing is ignored silently.

All problems of a request are reported at once, each by the name that was sent. The value is repeated only where it
should have been a number or one of a few words, never for free text, which may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from decimal import Decimal
from difflib import get_close_matches

from innkeeper.api.maas.values import Item, Kind, Pairs, Value, Values, convert, is_empty, shown
from innkeeper.errors import Invalid

_LONG = 80  # characters of a name
_MOST_FAULTS = 50


@dataclass(frozen=True)
class Param:
    """One parameter that a call takes.

    `repeated`: may be sent several times. `alias_of`: another name for that parameter, whose rules count.
    `must_equal`: clients send it though it decides nothing; it must be empty or one of these. `refused`: sending it is
    an error, for this reason; a name that ends in "_*" stands for all that begin like it then. `minimum`, `maximum`: of
    integers and numbers, inclusive. `choices`: of texts and the pieces of a csv. `longest`: of texts, in characters.
    """

    name: str
    kind: Kind = "text"
    doc: str = ""
    _: KW_ONLY
    required: bool = False
    repeated: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    longest: int | None = None
    example: str = ""
    alias_of: str = ""
    must_equal: tuple[str, ...] | None = None
    refused: str = ""


def read(params: Iterable[Param], pairs: Pairs, *, other: bool = False) -> Values:
    """What was sent, checked and converted. `other`: names not in the table are taken too, as text. Raises Invalid."""
    table = {param.name: param for param in params}
    given: dict[str, list[Value]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    faults: dict[str, str] = {}
    items: dict[str, tuple[Item, ...]] = {}
    extra: dict[str, str] = {}
    for name, sent in given.items():
        param = table.get(name) or _family(name, table) or (Param(name) if other else None)
        try:
            if param is None:
                raise ValueError(_unknown(name, table))
            converted = _convert(table[param.alias_of] if param.alias_of else param, sent)
            if name not in table:
                extra[name] = str(converted[0])
            else:
                _keep(items, param, converted)
        except ValueError as fault:
            faults[name if len(name) <= _LONG else f"{name[:_LONG]}…"] = str(fault)
        if len(faults) == _MOST_FAULTS:
            break
    for name, param in table.items():
        heard = {name, *(alias.name for alias in table.values() if alias.alias_of == name)} & faults.keys()
        if param.required and not heard and is_empty(items.get(name, ())):
            faults[name] = "It is required, and must not be empty."
    if faults:
        raise Invalid(f"Not accepted: {', '.join(faults)}.", fields={name: [text] for name, text in faults.items()})
    kinds = {param.name: param.kind for param in table.values()}
    return Values(sent=frozenset(items), other=extra, kinds=kinds, items=items)


def _family(name: str, table: Mapping[str, Param]) -> Param | None:
    """The refused parameter of many names ("power_parameters_*") that a name is one of."""
    return next((one for one in table.values() if one.name.endswith("_*") and name.startswith(one.name[:-1])), None)


def _unknown(name: str, table: Mapping[str, Param]) -> str:
    known = [param.name for param in table.values() if not param.refused]
    if not known:
        return "unknown parameter; this call takes none."
    close = get_close_matches(name, known, n=1) if len(name) <= _LONG else []  # it costs the square of the length
    guess = f"did you mean {close[0]}? " if close else ""
    return f"unknown parameter; {guess}known: {', '.join(sorted(known))}."


def _convert(param: Param, sent: list[Value]) -> tuple[Item, ...]:
    if param.refused:
        raise ValueError(param.refused)
    if len(sent) > 1 and not param.repeated:
        raise ValueError(f"It was sent {len(sent)} times, and takes one value.")
    items = tuple(item for value in sent for item in convert(param.kind, value))
    for item in items:
        if item != "":
            _check(param, item)
    return items


def _check(param: Param, item: Item) -> None:
    if param.choices and item not in param.choices:
        raise ValueError(f"{shown(item)} is not one of: {', '.join(param.choices)}.")
    if param.longest is not None and isinstance(item, str) and len(item) > param.longest:
        raise ValueError(f"It is too long: at most {param.longest} characters.")
    if isinstance(item, int | Decimal):
        if param.minimum is not None and item < param.minimum:
            raise ValueError(f"{item} is too small: at least {param.minimum:.15g}.")
        if param.maximum is not None and item > param.maximum:
            raise ValueError(f"{item} is too large: at most {param.maximum:.15g}.")
    if param.must_equal is not None:
        fitting = [fit for text in param.must_equal for fit in convert(param.kind, text)]
        if item not in fitting:
            raise ValueError(f"It must be {' or '.join(('empty', *param.must_equal))} here. {param.doc}".rstrip())


def _keep(items: dict[str, tuple[Item, ...]], param: Param, converted: tuple[Item, ...]) -> None:
    """Put what was sent under its real name; two names of one thing must agree, or one of them be empty."""
    name = param.alias_of or param.name
    before = items.get(name, ())
    if is_empty(before) or before == converted:
        items[name] = converted
    elif not is_empty(converted):
        raise ValueError("It was sent under two names, with different values.")
