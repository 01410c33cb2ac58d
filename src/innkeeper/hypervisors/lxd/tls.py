"""TLS contexts: pinned to one server certificate, with a client key that never touches a disk."""

from __future__ import annotations

import os
import ssl
from typing import NoReturn

from innkeeper.hypervisors.base import Credentials, Target

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL; Python has no name for it. A pinned certificate is recognised by being the
# same, and stays so after its date: otherwise a host would be lost on one day with nothing wrong with it.
_NO_CHECK_TIME = 0x200000


def pinned(target: Target) -> ssl.SSLContext:
    """A context that accepts the target's pinned certificate and no other. Raises ssl.SSLError for unusable PEM."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the pin says more than a name could
    context.load_verify_locations(cadata=target.server_certificate)
    # PARTIAL_CHAIN: the pinned certificate itself ends the chain, whoever signed it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(_NO_CHECK_TIME)
    present(context, target.credentials)
    return context


def blind() -> ssl.SSLContext:
    """A context that accepts any certificate, to look at what is shown. Nothing secret may be sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def present(context: ssl.SSLContext, credentials: Credentials) -> None:
    """Make the context show the client certificate. Raises ssl.SSLError when OpenSSL does not take the pair."""
    # OpenSSL loads a key from a file only; this one is memory, has no name and goes with the descriptor.
    descriptor = os.memfd_create("innkeeper-client", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(f"{credentials.certificate}\n{credentials.key}\n".encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_passphrase)
    finally:
        os.close(descriptor)


def _no_passphrase() -> NoReturn:
    # Without a callable OpenSSL would ask on the terminal and hang the server.
    raise ValueError("the key has a passphrase")
