"""How a conversation with a host fails, in the words of `innkeeper.errors`."""

from __future__ import annotations

import os
import socket
import ssl

import aiohttp

from innkeeper.errors import HostChanged, HostRefused, HostUnreachable, HostUntrusted

OUTCOME_UNKNOWN = "The outcome is unknown: the request may have been carried out."
# What a reader may try again and a writer must not: the connection ended instead of an answer.
CUT = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError, ConnectionError)


def unreachable(address: str, error: BaseException, *, changing: bool = False) -> HostUnreachable:
    """No answer: what happened, in the system's words; for a change that may have arrived, that it may have."""
    # What went wrong while connecting cannot have reached the host.
    known = isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    why = _why(cause)
    details = why if known or not changing else f"{why} {OUTCOME_UNKNOWN}"
    return HostUnreachable(
        f"The host at {address} does not answer.",
        details=details,
        resolution="Check that it is up, that its API listens on this address, and that no firewall is between.",
    )


def busy(address: str, what: str, seconds: float) -> HostUnreachable:
    """The host took a change on and did not end it within the time we wait."""
    return HostUnreachable(
        f"The host at {address} did not finish in {seconds:g} s: {what}.",
        details="It answers, but its operation still runs. " + OUTCOME_UNKNOWN,
        resolution="Look at the host's load and storage.",
    )


def vanished(address: str, what: str) -> HostRefused:
    """The host forgot an operation before it told how it ended, and the result is not there."""
    return HostRefused(
        f"The host at {address} did not carry this out: {what}.",
        details="Its operation vanished without a result, as when the server restarts.",
        resolution="Try again.",
    )


def untrusted(address: str, fingerprint: str, words: str = "") -> HostUntrusted:
    """The host answers, and does not accept our certificate."""
    return HostUntrusted(
        f"The host at {address} does not trust our certificate.",
        details=f"Its words: {words}. Our certificate's SHA-256 fingerprint is {fingerprint}."
        if words
        else f"Our certificate's SHA-256 fingerprint is {fingerprint}.",
        resolution="Add the certificate to its trust list (`lxc config trust add`), or give a trust token.",
    )


def changed(address: str, *, pinned: str, shown: str) -> HostChanged:
    """The host shows another certificate than the pinned one; both fingerprints (SHA-256) are told."""
    return HostChanged(
        f"The host at {address} shows another certificate than the one that is pinned.",
        details=f"Pinned: {pinned}. Shown: {shown or 'unknown'}.",
        resolution="If the host's certificate was renewed on purpose, re-pin it. If not, another server answers there.",
    )


def refused(words: str, code: int, *, what: str) -> HostRefused:
    """The host said no, in its own words."""
    return HostRefused(f"The host refused: {what}.", details=words, code=code)


def restriction(failure: HostRefused) -> bool:
    """Whether the host said no because our certificate is restricted to some projects: LXD 403, Incus 500."""
    text = failure.details.lower()
    incus = "not have permission" in text or "certificate is restricted" in text
    return failure.code == 403 or (failure.code == 500 and incus)


def taken(address: str, what: str, project: str) -> HostRefused:
    """Something of that name is there, and the operation at hand did not make it."""
    return HostRefused(
        f"The host at {address} already has {what} in project {project}.",
        details="It was not made by this operation, so it is not touched.",
        resolution="Choose another name, or remove it on the host.",
        code=409,
    )


def stranger(address: str, what: str, code: int = 0) -> HostRefused:
    """Something answers there that is not an LXD server, or not as one.

    `code` (HTTP) is told and not kept: a stranger's 404 must never read as "there is no such instance".
    """
    return HostRefused(
        f"{address} answered something that is not LXD.",
        details=f"It sent {what}." + (f" HTTP status {code}." if code else ""),
        resolution="Check the address and the port, and that no proxy or other service answers there.",
    )


def _why(cause: BaseException) -> str:
    if isinstance(cause, socket.gaierror):
        return f"The name cannot be resolved ({cause.strerror})."
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed ({(cause.reason or str(cause)).replace('_', ' ').lower()})."
    if isinstance(cause, TimeoutError):
        return "No answer in time."
    if isinstance(cause, aiohttp.ClientError | ConnectionResetError | BrokenPipeError):
        return f"The connection was cut ({cause or type(cause).__name__})."
    if isinstance(cause, OSError):
        return f"No connection ({os.strerror(cause.errno) if cause.errno else cause})."
    return f"The connection was cut ({cause or type(cause).__name__})."
