"""What a person types to name an LXD server or a project of it, checked and brought into one form. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import NoReturn

from innkeeper.errors import Invalid

DEFAULT_PORT = 8443
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_FORMS = "Write NAME, NAME:PORT, an IPv4 address, or an IPv6 address (in brackets when a port follows)."


def normalise(text: str, *, field: str = "power_address") -> str:
    """The address as "https://HOST:PORT" (IPv6 in brackets, lower case); Invalid names the piece that is wrong."""
    rest = text.strip()
    if not rest:
        _refuse(field, "The address is empty")
    scheme, separator, after = rest.partition("://")
    if separator:
        if scheme.lower() != "https":
            _refuse(field, f"The scheme {scheme + '://'!r} is not possible: LXD speaks https only")
        rest = after
    for mark, piece in (("#", "fragment"), ("?", "query")):
        rest, separator, after = rest.partition(mark)
        if separator:
            _refuse(field, f"The {piece} {mark + after!r} does not belong into an address")
    rest, separator, after = rest.partition("/")
    if after:
        _refuse(field, f"The path {'/' + after!r} does not belong into an address")
    if "@" in rest:
        # Not repeated in the message: it may hold a password.
        _refuse(field, "User information before '@' does not belong into an address")
    host, port = _split(rest, field)
    return f"https://{_host(host, field)}:{_port(port, field)}"


def check_project(name: str, *, field: str = "project") -> str:
    """The name itself when LXD accepts it as a project's name; Invalid with the rule otherwise.

    The rule is LXD's own: no space, slash, underscore or quote, and not "*", "." or "..".
    """
    found = next((c for c in name if c in " /_'\"" or not c.isprintable()), None)
    if not name:
        wrong = "A project's name cannot be empty"
    elif name in ("*", ".", ".."):
        wrong = f"{name!r} cannot be a project's name"
    elif found is not None:
        wrong = f"{name!r} cannot be a project's name: it holds {found!r}"
    else:
        return name
    raise Invalid(
        f"{wrong}.", fields={field: [wrong]}, resolution="Use letters, digits and hyphens, as in 'my-project'."
    )


def _split(text: str, field: str) -> tuple[str, str | None]:
    """Host and port; a bare IPv6 address has colons of its own and no port."""
    if text.startswith("["):
        inside, closing, after = text[1:].partition("]")
        if not closing:
            _refuse(field, f"The bracket of {text!r} is not closed")
        if after and not after.startswith(":"):
            _refuse(field, f"{after!r} after the bracket is not a port")
        if ":" not in inside:
            _refuse(field, f"{inside!r} in brackets is not an IPv6 address")
        return inside, after[1:] if after else None
    if text.count(":") > 1:
        return text, None
    host, separator, port = text.partition(":")
    return host, port if separator else None


def _host(host: str, field: str) -> str:
    if not host:
        _refuse(field, "The host name is missing")
    if ":" in host:
        try:
            address = ipaddress.IPv6Address(host)
        except ValueError:
            _refuse(field, f"{host!r} is not an IPv6 address")
        if address.scope_id:
            _refuse(field, f"The zone {'%' + address.scope_id!r} is of this machine only; use an address without one")
        return f"[{address}]"
    if re.fullmatch(r"[0-9.]+", host):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            _refuse(field, f"{host!r} is not an IPv4 address")
    try:
        name = host.removesuffix(".").lower().encode("idna").decode("ascii")
    except UnicodeError:
        _refuse(field, f"{host!r} is not a host name")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        _refuse(field, f"{host!r} is not a host name")
    return name


def _port(port: str | None, field: str) -> int:
    if port is None:
        return DEFAULT_PORT
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        _refuse(field, f"{port!r} is not a port (1 to 65535)")
    return int(port)


def _refuse(field: str, message: str) -> NoReturn:
    raise Invalid(f"{message}.", fields={field: [message]}, resolution=_FORMS)
