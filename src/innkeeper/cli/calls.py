"""One action of a server, called: address, parameters, progress, answer, exit code."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from urllib.parse import quote

import click

from innkeeper.cli.bodies import Parameter, as_body, as_query
from innkeeper.cli.catalogue import Catalogue
from innkeeper.cli.describe import Action, Resource
from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.output import emit, emit_exchange
from innkeeper.cli.profiles import Profile
from innkeeper.cli.wire import Answer, Request, call

# What starts operations on the server, and so has steps to show.
_LONG_OPS = frozenset({"compose", "refresh", "power_on", "power_off", "commission", "deploy", "release"})
_LONG_VERBS = frozenset(
    {
        ("vm-hosts", "create"),
        ("pods", "create"),
        ("vm-host", "delete"),
        ("pod", "delete"),
        ("machine", "delete"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """An action with what was typed for it. `path_values` has one value for each of the resource's params."""

    resource: Resource
    action: Action
    path_values: Sequence[str]
    parameters: Sequence[Parameter]

    @property
    def starts_operations(self) -> bool:
        """Whether the server works through steps for this."""
        return self.action.op in _LONG_OPS or (self.resource.command, self.action.command) in _LONG_VERBS


def perform(*, catalogue: Catalogue, profile: Profile, asked: Call, table: bool, debug: bool) -> None:
    """Call the server and print its answer.

    `profile` is the catalogue's, perhaps with looser TLS. Raises click's Exit with code 2 for any answer
    that is no success, CommandFailed when there is no answer.
    """
    request = request_for(asked)
    with _progress(profile=profile, asked=asked) as headers:
        request = replace(request, headers={**request.headers, **headers})
        answer = call(profile=profile, request=request)
    if debug:
        emit_exchange(request=request, answer=answer)
    emit(answer=answer, resource=asked.resource.command, table=table)
    if answer.status == 401:
        click.echo(
            f"The server does not accept the key of profile {profile.name}.\n"
            f"Log in again: maas login {profile.name} {profile.address}",
            err=True,
        )
    if _is_newer(answer, profile):
        catalogue.renew()
    if not answer.ok:
        raise click.exceptions.Exit(2)


def request_for(asked: Call) -> Request:
    """The request that the call means: GET and DELETE carry parameters in the address, others in a body."""
    action, target = asked.action, fill(asked.resource, asked.path_values)
    query = [f"op={quote(action.op)}"] if action.op else []
    body, content_type = None, ""
    if action.method in ("GET", "DELETE"):
        if asked.parameters:
            query.append(as_query(asked.parameters))
    else:
        body, content_type = as_body(asked.parameters)
    if query:
        target += f"?{'&'.join(query)}"
    headers = {"Content-Type": content_type} if content_type else {}
    return Request(method=action.method, target=target, headers=headers, body=body)


def fill(resource: Resource, values: Sequence[str]) -> str:
    """The resource's path with its holes filled, each value as exactly one segment. Raises CommandFailed."""
    path = resource.path
    for name, value in zip(resource.params, values, strict=True):
        if value in ("", ".", ".."):
            # Such a segment would make the path another one, perhaps that of the whole collection.
            raise CommandFailed(
                f"{value!r} cannot be the {name} of a {resource.command}.",
                details="Is the variable set that it was taken from?" if not value else "",
            )
        path = path.replace(f"{{{name}}}", quote(value, safe="", errors="surrogateescape"))
    return path


def _progress(*, profile: Profile, asked: Call) -> AbstractContextManager[Mapping[str, str]]:
    if not asked.starts_operations or not sys.stderr.isatty():
        return nullcontext({})
    from innkeeper.cli.live import following  # most commands have nothing to follow, and start faster

    return following(profile=profile)


def _is_newer(answer: Answer, profile: Profile) -> bool:
    current = answer.header("X-MAAS-API-Hash")
    return bool(current) and current != profile.description.get("hash")
