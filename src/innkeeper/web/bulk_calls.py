"""The calls of the API that something done with many machines is made of: one for each machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from innkeeper.model.machine import Machine
from innkeeper.web.calls import Sent
from innkeeper.web.machine_actions import Action


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of the API's table for one machine."""

    method: str
    path: str
    op: str | None = None
    sent: Sent = ()


Make = Callable[[Machine, Mapping[str, str]], Call]  # of a machine, and of what was filled in


def ordered(action: Action) -> Make:
    """The call of an action of one machine."""

    def call(one: Machine, filled: Mapping[str, str]) -> Call:
        sent = [*action.fields, *_given(filled, "comment")]
        return Call(method="POST", path=f"machines/{one.system_id}/", op=action.op, sent=sent)

    return call


def _given(filled: Mapping[str, str], *names: str) -> list[tuple[str, str]]:
    return [(name, filled[name]) for name in names if filled.get(name)]


def deploy(one: Machine, filled: Mapping[str, str]) -> Call:
    """Deploy it, from an image."""
    sent = _given(filled, "distro_series", "user_data", "comment")
    return Call(method="POST", path=f"machines/{one.system_id}/", op="deploy", sent=sent)


def change(field: str) -> Make:
    """Give it what was filled in as this field of it."""

    def call(one: Machine, filled: Mapping[str, str]) -> Call:
        return Call(method="PUT", path=f"machines/{one.system_id}/", sent=[(field, filled[field])])

    return call


def tag(how: str) -> Make:
    """Put a tag on it ("add"), or take one off ("remove")."""

    def call(one: Machine, filled: Mapping[str, str]) -> Call:
        return Call(method="POST", path=f"tags/{filled['tag']}/", op="update_nodes", sent=[(how, one.system_id)])

    return call


def delete(one: Machine, _: Mapping[str, str]) -> Call:
    """Delete it."""
    return Call(method="DELETE", path=f"machines/{one.system_id}/")
