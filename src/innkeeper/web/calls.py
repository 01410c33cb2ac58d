"""What is done on a page is a call of the API's table: the same parameters, checks, permissions, events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from starlette.datastructures import FormData
from starlette.requests import Request

from innkeeper.api.auth import Actor
from innkeeper.api.house import AFTERWARDS, PATIENCE
from innkeeper.api.maas.dispatch import Dispatch
from innkeeper.errors import InnkeeperError, Invalid
from innkeeper.web.wording import NO_NAMES, Names, label, plain, sentences

Sent = Iterable[tuple[str, str | bytes]]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why a form was not done: words for the whole, and by the name of a field what is wrong with it."""

    brief: str = ""
    details: str = ""
    resolution: str = ""
    fields: dict[str, list[str]] = field(default_factory=dict)
    status: int = 200

    @classmethod
    def of(cls, error: InnkeeperError, *, names: Names = NO_NAMES) -> Trouble:
        """An error as a page shows it. `names`: what ids in it stand for."""
        fields = error.fields if isinstance(error, Invalid) else {}
        return cls(
            brief=plain(error.brief, names),
            details=sentences(plain(error.details, names)),
            resolution=plain(error.resolution, names),
            fields={name: [plain(text, names) for text in texts] for name, texts in fields.items()},
            status=error.status,
        )

    @property
    def words(self) -> str:
        """All of it in one piece, where there is no form to show it beside."""
        said = (text for text in (self.brief, self.details, self.resolution) if text)
        return " ".join((*said, *(f"{label(name)}: {' '.join(texts)}" for name, texts in self.fields.items())))


NONE = Trouble()
WAS = "was."  # before the name of a field: how it was shown


async def perform(
    request: Request,
    actor: Actor,
    method: str,
    path: str,
    *,
    op: str | None = None,
    sent: Sent = (),
    patience: float | None = None,
) -> object:
    """One call, `path` relative to the API ("vm-hosts/3/"), names in it quoted. Raises InnkeeperError.

    `patience`: how long it waits for an operation, seconds; what still runs then goes on (an answer, or StillRunning)
    and is seen on the page that shows it. None: as long as a client of the API waits.
    """
    calls: Dispatch = request.app.state.calls
    if patience is not None:
        request.scope[PATIENCE] = patience
    result = await calls.perform(actor=actor, request=request, method=method, path=path, op=op, sent=tuple(sent))
    # What is left to be done when the answer was sent: a page that is made of it is the answer.
    for work in request.scope.pop(AFTERWARDS, ()):
        await work()
    return result


def check_typed(form: FormData, name: str) -> None:
    """Before something is destroyed: Invalid unless its name was typed."""
    if str(form.get("typed", "")).strip() != name:
        raise Invalid("Nothing was done.", fields={"typed": [f"Type {name} to confirm."]})


def sent(form: FormData, *names: str, given: bool = True) -> list[tuple[str, str]]:
    """The fields of a form by these names, as they were typed. `given`: leave out those that are empty."""
    pairs = [(name, typed(value)) for name in names for value in form.getlist(name)]
    return [pair for pair in pairs if pair[1] or not given]


def changed(form: Mapping[str, object]) -> dict[str, str]:
    """A form without what is as it was shown (`was.NAME`), so that what somebody else changed meanwhile stays."""
    values = {name: str(value) for name, value in form.items()}
    return {
        name: value
        for name, value in values.items()
        if not name.startswith(WAS) and (WAS + name not in values or typed(values[WAS + name]) != typed(value))
    }


def typed(value: object) -> str:
    """What was typed into a field: a browser ends its lines as no guest's script does."""
    return str(value).replace("\r\n", "\n")
