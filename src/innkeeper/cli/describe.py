"""A server's describe document as resources and actions, named as the command line names them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from innkeeper.cli.failures import CommandFailed

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, kw_only=True)
class Action:
    """One thing that can be done. `op` is "" for the four plain verbs of REST."""

    command: str
    method: str
    op: str
    doc: str


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One noun. `path` is a template from the host's root; `params` are its holes, in order."""

    command: str
    path: str
    params: tuple[str, ...]
    doc: str
    actions: Mapping[str, Action]


def command_name(handler: str) -> str:
    """The command for a handler's name: VmHostsHandler → vm-hosts."""
    stem = handler.removeprefix("Anon").removesuffix("Handler")
    return _WORD_START.sub("-", stem).lower()


def read_resources(description: Mapping[str, Any]) -> dict[str, Resource]:
    """The resources by command name. Raises CommandFailed when the document has another shape."""
    try:
        found = [_resource(entry["auth"] or entry["anon"]) for entry in description["resources"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise CommandFailed(
            "The server's description of its API cannot be understood.",
            details=f"{type(error).__name__}: {error}",
            resolution="Check that the address leads to a MAAS API, then: maas refresh",
        ) from None
    return {resource.command: resource for resource in found}


def _resource(handler: Mapping[str, Any]) -> Resource:
    actions: Sequence[Action] = [_action(entry) for entry in handler["actions"]]
    return Resource(
        command=command_name(handler["name"]),
        path=handler["path"],
        params=tuple(handler["params"]),
        doc=handler.get("doc") or "",
        actions={action.command: action for action in actions},
    )


def _action(entry: Mapping[str, Any]) -> Action:
    return Action(
        command=entry["name"].replace("_", "-"),
        method=entry["method"],
        op=entry.get("op") or "",
        doc=entry.get("doc") or "",
    )
