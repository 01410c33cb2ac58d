"""One request over HTTP, with the standard library alone: a client library would double the start time."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from innkeeper import __version__
from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.oauth import authorization, parse_key
from innkeeper.cli.profiles import Profile

CONNECT_TIMEOUT = 10.0  # seconds
ANSWER_TIMEOUT = 300.0  # seconds; composing on a slow host is answered after 90 at the latest


@dataclass(frozen=True, kw_only=True)
class Request:
    """`target` is path and query from the host's root."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the server said. Header names are as they came; `header` finds them in any case."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is a success (2xx)."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str:
        """The first header of that name, "" when it is not there."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def text(self) -> str:
        """The body as text, bytes that are not UTF-8 replaced."""
        return self.body.decode(errors="replace")


def call(*, profile: Profile, request: Request) -> Answer:
    """Send one request with the profile's key and read the whole answer. Nothing is ever repeated.

    Raises CommandFailed when the server cannot be reached or does not answer.
    """
    connection = connect(profile=profile, timeout=CONNECT_TIMEOUT)
    try:
        connection.sock.settimeout(ANSWER_TIMEOUT)
        response = start(connection=connection, profile=profile, request=request)
        body = response.read()
        headers = tuple(response.getheaders())
        return Answer(status=response.status, reason=response.reason, headers=headers, body=body)
    except (OSError, http.client.HTTPException) as error:
        raise _unanswered(profile, request, error) from None
    finally:
        connection.close()


def connect(*, profile: Profile, timeout: float) -> http.client.HTTPConnection:
    """An open connection to the profile's server; `timeout` in seconds. Raises CommandFailed."""
    address = profile.address
    connection: http.client.HTTPConnection
    try:
        if address.scheme == "https":
            connection = http.client.HTTPSConnection(address.host, address.port, timeout=timeout, context=tls(profile))
        else:
            connection = http.client.HTTPConnection(address.host, address.port, timeout=timeout)
        connection.connect()
    except OSError as error:
        raise _unreachable(profile, error) from None
    return connection


def start(*, connection: http.client.HTTPConnection, profile: Profile, request: Request) -> http.client.HTTPResponse:
    """Send the request and read the answer's head. Raises OSError or HTTPException."""
    headers = {
        "Authorization": authorization(parse_key(profile.key)),
        "User-Agent": f"innkeeper/{__version__}",
        **request.headers,
    }
    connection.request(request.method, request.target, body=request.body, headers=headers)
    return connection.getresponse()


def tls(profile: Profile) -> ssl.SSLContext:
    """What the profile trusts. Raises CommandFailed when its certificates cannot be read."""
    try:
        context = ssl.create_default_context(cafile=profile.cacerts or None)
    except OSError as error:
        raise CommandFailed(
            f"Cannot use the certificates in {profile.cacerts}.", details=error.strerror or str(error)
        ) from None
    if profile.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _unreachable(profile: Profile, error: OSError) -> CommandFailed:
    resolution = "Check that the server runs, and that the address is right: maas list"
    match error:
        case ssl.SSLCertVerificationError():
            details = f"Its certificate is not trusted: {error.verify_message}."
            resolution = "Log in with --cacerts FILE that holds its authority, or with --insecure."
        case ssl.SSLError():
            details = f"It does not speak TLS as expected: {error.reason or error}."
            resolution = "Log in again with an address that begins with http://."
        case socket.gaierror():
            details = f"The name {profile.address.host} has no address: {error.strerror}."
        case TimeoutError():
            details = f"Nothing answered within {CONNECT_TIMEOUT:g} seconds."
        case ConnectionRefusedError():
            details = "Nothing listens there: connection refused."
        case _:
            details = f"{error.strerror or error}."
    return CommandFailed(f"Cannot reach {profile.address}/.", details=details, resolution=resolution)


def _unanswered(profile: Profile, request: Request, error: Exception) -> CommandFailed:
    match error:
        case TimeoutError():
            details = f"It was silent for {ANSWER_TIMEOUT:g} seconds."
        case http.client.RemoteDisconnected() | ConnectionError():
            details = "It closed the connection without an answer."
        case http.client.BadStatusLine():
            details = "What came is not HTTP."
        case _:
            details = f"{type(error).__name__}: {error}".rstrip(": ")
    if request.method == "GET":
        resolution = "Try again; if the address is one of a TLS server, log in with https://."
    else:
        resolution = "Whether it did what was asked is not known: read before you ask again."
    return CommandFailed(f"{profile.address}/ did not answer.", details=details, resolution=resolution)
