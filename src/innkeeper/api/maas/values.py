"""What the value of a parameter can be: the kinds, the conversion from what was sent, and typed access to it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeVar, cast, overload

Value = str | bytes  # as sent
Pairs = tuple[tuple[str, Value], ...]  # everything that was sent, in order
Kind = Literal["text", "integer", "number", "boolean", "csv", "file"]
Item = str | int | Decimal | bool | bytes
_T = TypeVar("_T", bound=Item)

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WORDS = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(("false", "0", "no", "off"), False)
MOST_DIGITS = 18  # what every database's 64-bit integer holds


@dataclass(frozen=True, kw_only=True)
class Values:
    """What was sent, converted. `sent`: names that were there, empty ones too (an alias under its real name).

    Asking for a name that is not in the call's table, or as another kind, is a mistake of ours: KeyError, TypeError.
    """

    sent: frozenset[str] = frozenset()
    other: Mapping[str, str] = field(default_factory=dict)  # what a route with `other=True` got beside its parameters
    kinds: Mapping[str, Kind] = field(default_factory=dict)  # of every parameter of the call
    items: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)

    def empty(self, name: str) -> bool:
        """Whether it was sent without a value."""
        return name in self.sent and is_empty(self.items[name])

    def text(self, name: str, default: str = "") -> str:
        """The text as sent, also when it is empty; `default` when it is absent."""
        return next(iter(self._all(name, str, "text")), default)

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a repeated parameter or the pieces of a csv one, without empty ones."""
        return tuple(text for text in self._all(name, str, "text", "csv") if text)

    @overload
    def integer(self, name: str) -> int | None: ...
    @overload
    def integer(self, name: str, default: int) -> int: ...
    def integer(self, name: str, default: int | None = None) -> int | None:
        """The integer; `default` when it is absent or empty."""
        return next(iter(self._all(name, int, "integer")), default)

    def integers(self, name: str) -> tuple[int, ...]:
        """The integers of a repeated parameter."""
        return self._all(name, int, "integer")

    @overload
    def number(self, name: str) -> Decimal | None: ...
    @overload
    def number(self, name: str, default: Decimal) -> Decimal: ...
    def number(self, name: str, default: Decimal | None = None) -> Decimal | None:
        """The number exactly as written; `default` when it is absent or empty."""
        return next(iter(self._all(name, Decimal, "number")), default)

    @overload
    def boolean(self, name: str) -> bool | None: ...
    @overload
    def boolean(self, name: str, default: bool) -> bool: ...
    def boolean(self, name: str, default: bool | None = None) -> bool | None:
        """The boolean; `default` when it is absent or empty."""
        return next(iter(self._all(name, bool, "boolean")), default)

    def file(self, name: str) -> bytes | None:
        """The bytes, also when there are none; None when it is absent."""
        return next(iter(self._all(name, bytes, "file")), None)

    def _all(self, name: str, item: type[_T], *kinds: Kind) -> tuple[_T, ...]:
        if self.kinds[name] not in kinds:
            raise TypeError(f"{name} is of kind {self.kinds[name]}, not {kinds[0]}")
        return cast(tuple[_T, ...], self.items.get(name, ()))


def text_or_bytes(raw: bytes) -> Value:
    """Text if it is UTF-8, else the bytes."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def is_empty(items: tuple[Item, ...]) -> bool:
    """Whether what was sent says nothing: no item, or only empty texts."""
    return not any(item != "" and item != b"" for item in items)


def convert(kind: Kind, value: Value) -> tuple[Item, ...]:
    """One value as that kind; () for an empty one, except that text and files may be empty. Raises ValueError."""
    if kind == "file":
        return (value.encode() if isinstance(value, str) else value,)
    text = _text(value)
    if kind == "text":
        return (text,)
    if kind == "csv":
        return tuple(piece for part in text.split(",") if (piece := part.strip()))
    word = text.strip()
    if not word:
        return ()
    if kind == "integer":
        return (_integer(word),)
    if kind == "number":
        return (_number(word),)
    return (_boolean(word),)


def shown(item: Item) -> str:
    """A short form of what was sent, for an error text."""
    text = str(item)
    return repr(text if len(text) <= 60 else f"{text[:59]}…")


def _text(value: Value) -> str:
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            raise ValueError("It is not UTF-8 text.") from None
    if "\0" in value:  # PostgreSQL keeps none
        raise ValueError("It holds a NUL character.")
    return value


def _integer(word: str) -> int:
    if not _INTEGER.fullmatch(word):
        raise ValueError(f"{shown(word)} is not a whole number{_digits(word)}.")
    if len(word.lstrip("+-0")) > MOST_DIGITS:
        raise ValueError(f"{shown(word)} has more than {MOST_DIGITS} digits.")
    return int(word)


def _digits(word: str) -> str:
    """What to say of the digits of other scripts."""
    return ", with the digits 0 to 9" if any(one.isdecimal() and not one.isascii() for one in word) else ""


def _number(word: str) -> Decimal:
    if not _NUMBER.fullmatch(word):
        raise ValueError(f"{shown(word)} is not a number (write it like 1.5{_digits(word)}).")
    if len(word) > 60 or not math.isfinite(float(word)):
        raise ValueError(f"{shown(word)} is not a number of a usable size.")
    return Decimal(word)


def _boolean(word: str) -> bool:
    if word.lower() not in _WORDS:
        raise ValueError(f"{shown(word)} is neither true nor false (true, 1, yes, on; false, 0, no, off).")
    return _WORDS[word.lower()]
