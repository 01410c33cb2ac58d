"""A file sent to the server in pieces, as images are: announced with its SHA-256, then one PUT after the other."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from innkeeper.cli.bodies import Parameter, as_body
from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.profiles import Profile
from innkeeper.cli.wire import Answer, Request, call

PIECE = 4 * 2**20  # bytes
Tell = Callable[[int, int], None]  # bytes that are there, of all


def upload(profile: Profile, file: Path, fields: Sequence[Parameter], *, tell: Tell) -> Answer:
    """Send a file as an image with these fields; the answer that shows the image at the end, or the first refusal.

    What the server has already is not sent. Raises CommandFailed when the file cannot be read.
    """
    try:
        size, sha256 = file.stat().st_size, _digest(file)
    except OSError as error:
        raise CommandFailed(f"Cannot read {str(file)!r}.", details=error.strerror or "") from None
    told = [*fields, Parameter(name="sha256", value=sha256.encode()), Parameter(name="size", value=b"%d" % size)]
    body, content_type = as_body(told)
    target = f"{profile.api}boot-resources/"
    request = Request(method="POST", target=target, headers={"Content-Type": content_type}, body=body)
    answer = call(profile=profile, request=request)
    if not answer.ok:
        return answer
    made = json.loads(answer.body)
    if uri := _upload_uri(made, sha256):
        refusal = _send(profile, file, uri, size=size, tell=tell)
        if refusal is not None:
            return refusal
    return call(profile=profile, request=Request(method="GET", target=f"{target}{quote(str(made['id']))}/"))


def _send(profile: Profile, file: Path, uri: str, *, size: int, tell: Tell) -> Answer | None:
    """The pieces; an answer only if it is a refusal."""
    # The server knows itself as /MAAS; behind a proxy it may have another address, which is the profile's.
    target = uri.replace("/MAAS/", f"{profile.address.path}/", 1) if uri.startswith("/MAAS/") else uri
    sent = 0
    with file.open("rb") as stream:
        while piece := stream.read(PIECE):
            headers = {"Content-Type": "application/octet-stream"}
            answer = call(profile=profile, request=Request(method="PUT", target=target, headers=headers, body=piece))
            if not answer.ok:
                return answer
            sent += len(piece)
            tell(sent, size)
    return None


def _upload_uri(made: Mapping[str, Any], sha256: str) -> str:
    """Where the file that was just announced is sent; "" when it is there already."""
    for one in made["sets"].values():
        for file in one["files"].values():
            if file["sha256"] == sha256 and not file["complete"]:
                return str(file["upload_uri"])
    return ""


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def content_file(words: Sequence[str]) -> str:
    """The path in `content@=PATH` among a command's words, "" when there is none that is a file."""
    for word in words:
        name, _, path = word.partition("=")
        if name == "content@" and os.path.isfile(path):
            return path
    return ""
