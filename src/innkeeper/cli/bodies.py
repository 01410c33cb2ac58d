"""Parameters as people type them (`key=value`, `key@=file`) and as they travel."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from innkeeper.cli.failures import CommandFailed


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One value. `filename` is "" for a value that was typed; the content of files stays bytes."""

    name: str
    value: bytes
    filename: str = ""


def parse_parameter(text: str) -> Parameter:
    """The parameter that an argument means; `key@=file` is read now, `key@=-` from standard input.

    Raises CommandFailed when there is no `=`, no name, or the file cannot be read.
    """
    name, equals, value = text.partition("=")
    from_file = name.endswith("@")
    name = name.removesuffix("@")
    if not equals or not name:
        raise CommandFailed(
            f"{text!r} is not a parameter.",
            resolution="Write key=value, or key@=file to send what a file holds.",
        )
    if not from_file:
        # Arguments that are not UTF-8 arrive as surrogates; they leave as the bytes they were.
        return Parameter(name=name, value=value.encode(errors="surrogateescape"))
    if value == "-":
        return Parameter(name=name, value=sys.stdin.buffer.read(), filename="stdin")
    try:
        with open(value, "rb") as stream:
            return Parameter(name=name, value=stream.read(), filename=os.path.basename(value))
    except OSError as error:
        raise CommandFailed(f"Cannot read {value!r} for {name}.", details=error.strerror or "") from None


def as_query(parameters: Sequence[Parameter]) -> str:
    """The parameters as a query string, in their order. Raises CommandFailed for a file."""
    for parameter in parameters:
        if parameter.filename:
            raise CommandFailed(
                f"A file cannot be sent as {parameter.name} here.",
                details="This action sends its parameters in the address.",
                resolution=f"Write {parameter.name}=value.",
            )
    return _urlencoded(parameters)


def as_body(parameters: Sequence[Parameter]) -> tuple[bytes | None, str]:
    """Body and Content-Type: a URL-encoded form, multipart when a file is among them, None for nothing."""
    if not parameters:
        return None, ""
    if not any(parameter.filename for parameter in parameters):
        return _urlencoded(parameters).encode(), "application/x-www-form-urlencoded"
    boundary = os.urandom(16).hex()
    parts = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), _part(parameter)) for parameter in parameters)
    return parts + b"--%s--\r\n" % boundary.encode(), f"multipart/form-data; boundary={boundary}"


def _urlencoded(parameters: Sequence[Parameter]) -> str:
    return urlencode([(_bytes(parameter.name), parameter.value) for parameter in parameters])


def _part(parameter: Parameter) -> bytes:
    header = b'Content-Disposition: form-data; name="%s"' % _quoted(parameter.name)
    if parameter.filename:
        header += b'; filename="%s"' % _quoted(parameter.filename)
        header += b"\r\nContent-Type: application/octet-stream"
    return header + b"\r\n\r\n" + parameter.value


def _quoted(text: str) -> bytes:
    """As browsers write names in a part's header: only what would end the quoting is escaped."""
    return _bytes(text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A"))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
