"""Query strings and request bodies → the values in them, in order, repeated names kept.

A value is text, or bytes where it is a file or no UTF-8; what it has to be is decided by the parameter's kind,
because clients label short numbers as files and files as nothing. Every flaw is an `Invalid` that names it.
"""

from __future__ import annotations

import json
from typing import NoReturn
from urllib.parse import parse_qsl

from starlette.requests import Request

from innkeeper.api.maas import multipart
from innkeeper.api.maas.values import Pairs, Value, text_or_bytes
from innkeeper.errors import Invalid

LIMIT = 64 * 2**20  # bytes of a body from somebody we know
ANONYMOUS_LIMIT = 2**20  # bytes of a body from anybody else
MOST_VALUES = 10_000

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
JSON = "application/json"


async def read(request: Request, *, limit: int, raw: str = "") -> Pairs:
    """The values of a request's body of at most `limit` bytes; with `raw` the body is the one value of that name.

    Raises Invalid; ClientDisconnect if it is cut off.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Invalid(f"The body is too large: at most {limit} bytes are taken.")
    if raw:
        return ((raw, bytes(body)),)
    return parse(request.headers.get("content-type", ""), bytes(body))


def media_type(content_type: str) -> str:
    """The bare type of a Content-Type header, lower case; "" if there is none."""
    return content_type.partition(";")[0].strip().lower()


def parse(content_type: str, body: bytes) -> Pairs:
    """The values of a body of that Content-Type. An empty body of whatever type holds none. Raises Invalid."""
    if not body:
        return ()
    kind = media_type(content_type)
    if kind == FORM:
        return urlencoded(body)
    if kind == MULTIPART:
        return multipart.parse(body, content_type=content_type, most=MOST_VALUES)
    if kind == JSON:
        return _json(body)
    known = f"send {FORM}, {MULTIPART} or {JSON}"
    if not kind:
        raise Invalid(f"The request has a body but no Content-Type; {known}.")
    raise Invalid(f"A body of type {kind[:80]!r} is not understood; {known}.")


def urlencoded(body: bytes) -> Pairs:
    """The values of a query string or of a body written like one. Raises Invalid."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "surrogateescape"),
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=MOST_VALUES,
        )
    except ValueError:
        _too_many()
    values: list[tuple[str, Value]] = []
    for name, value in pairs:
        decoded = text_or_bytes(name.encode("utf-8", "surrogateescape"))
        if isinstance(decoded, bytes):
            raise Invalid(f"The name of a parameter is not UTF-8: {decoded[:40]!r}.")
        values.append((decoded, text_or_bytes(value.encode("utf-8", "surrogateescape"))))
    return tuple(values)


def _too_many() -> NoReturn:
    raise Invalid(f"The request holds too many values: at most {MOST_VALUES} are taken.")


def _json(body: bytes) -> Pairs:
    try:
        # Numbers stay as they were written: 1.10 is not 1.1 before somebody has said that it is a number.
        document = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_int=str,
            parse_float=str,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError) as error:
        raise Invalid("The body is not JSON.", details=f"{type(error).__name__}: {error}.") from None
    if not isinstance(document, _Object):
        raise Invalid("The JSON body must be an object: {name: value, …}.")
    pairs: list[tuple[str, Value]] = []
    for name, value in document.pairs:
        # An empty list is something that was said, as an empty text is.
        items = (value or [None]) if isinstance(value, list) else [value]
        pairs.extend((name, _scalar(name, item)) for item in items)
    if len(pairs) > MOST_VALUES:
        _too_many()
    return tuple(pairs)


class _Object:
    """An object of a JSON body."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        self.pairs = pairs


def _object(pairs: list[tuple[str, object]]) -> _Object:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise Invalid(f"The JSON body says {name[:80]!r} twice; to send several values, send a list.")
        seen.add(name)
    return _Object(pairs)


def _no_number(text: str) -> NoReturn:
    raise Invalid(f"The JSON body holds {text}, which is not a number.")


def _scalar(name: str, value: object) -> str:
    """A JSON value as a form would say it: true is "true", null is empty."""
    match value:
        case None:
            text = ""
        case bool():
            text = "true" if value else "false"
        case str():
            text = value
        case _:
            raise Invalid(f"The JSON body holds an object or a list of lists at {name[:80]!r}; values are plain here.")
    try:
        (name + text).encode()
    except UnicodeEncodeError:
        raise Invalid(f"The JSON body holds half a character (a lone surrogate) at {name[:80]!r}.") from None
    return text
