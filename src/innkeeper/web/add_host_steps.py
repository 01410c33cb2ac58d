"""The steps of adding a VM host: which there are, how far one got, and the page around each of them.

What was said so far is kept by the server, so that one can stop and go on later, at another place too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi.responses import Response
from starlette.requests import HTTPConnection, Request

from innkeeper.api.auth import Actor
from innkeeper.model.host import HostState
from innkeeper.store import host_drafts, hosts
from innkeeper.store.host_drafts import Draft
from innkeeper.web.calls import NONE, Trouble
from innkeeper.web.pages import render
from innkeeper.web.sessions import onward


class Added(Exception):
    """What was begun is a VM host: who comes back to a step is led there."""

    def __init__(self, host_id: int) -> None:
        super().__init__(f"it is the VM host {host_id}")
        self.host_id = host_id


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step: its last piece of path, and how it is called."""

    path: str
    title: str


STEPS = (
    Step(path="address", title="Address and name"),
    Step(path="credentials", title="Credentials"),
    Step(path="server", title="Server"),
    Step(path="trust", title="Trust"),
    Step(path="project", title="Project"),
    Step(path="review", title="Review"),
)
_TITLES = {one.path: one.title for one in STEPS}
_ORDER = [one.path for one in STEPS]


def reached(one: Draft) -> str:
    """The step that is next: all before it were done."""
    done = (True, one.way, one.fingerprint, one.trusted, one.project)
    return next((step for step, has in zip(_ORDER, done, strict=False) if not has), _ORDER[-1])


def open_to(one: Draft, step: str) -> bool:
    """Whether a step can be done: it is next, or was done before."""
    return _ORDER.index(step) <= _ORDER.index(reached(one))


def address(one: Draft, step: str = "") -> str:
    """Where a step is done; without one the next."""
    return f"/hosts/add/{one.id}/{step or reached(one)}"


def resume(one: Draft) -> tuple[str, str]:
    """What is next in words, and where."""
    return _TITLES[reached(one)].lower(), address(one)


def became(sql: sa.Connection, one: Draft) -> int | None:
    """The VM host that it has become, if that is there."""
    return one.host_id if one.host_id is not None and hosts.exists(sql, one.host_id) else None


def load(sql: sa.Connection, id: int) -> tuple[Draft, int | None]:
    """One with the VM host that it has become; NotFound. Added: that was said already."""
    one = host_drafts.find(sql, id)
    host_id = became(sql, one)
    if one.over and host_id is not None:
        raise Added(host_id)
    return one, host_id


def find(sql: sa.Connection, id: int) -> Draft:
    """One that is still to be gone on with; NotFound, Added."""
    one, host_id = load(sql, id)
    if host_id is not None and hosts.find(sql, host_id).state != HostState.ADDING:
        raise Added(host_id)
    return one


async def to_host(request: HTTPConnection, error: Exception) -> Response:
    """The way to the VM host that was added."""
    assert isinstance(error, Added)
    return onward(request, f"/hosts/{error.host_id}")


def show(
    request: Request,
    template: str,
    *,
    who: Actor,
    step: str,
    draft: Draft | None,
    title: str,
    trouble: Trouble = NONE,
    **values: Any,
) -> Response:
    """The page of a step, with all steps above it."""
    steps = [
        (one.title, address(draft, one.path) if draft and open_to(draft, one.path) else "", one.path == step)
        for one in STEPS
    ]
    return render(
        request,
        template,
        title=title,
        actor=who,
        status=trouble.status,
        steps=steps,
        draft=draft,
        kept=host_drafts.KEPT_DAYS,
        trouble=trouble,
        **values,
    )
