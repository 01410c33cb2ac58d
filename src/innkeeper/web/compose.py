"""Compose a machine: a form whose address holds all that is filled in, a review, and the machine's page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import InnkeeperError, Invalid
from innkeeper.model.lifecycle import Status
from innkeeper.model.user_data import MOST
from innkeeper.store import machines
from innkeeper.web import compose_form, compose_options, compose_review, forms
from innkeeper.web.calls import NONE, Trouble
from innkeeper.web.compose_checks import label, problems, refused
from innkeeper.web.compose_form import Filled
from innkeeper.web.compose_limits import Limits, limits
from innkeeper.web.compose_review import Review
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import AdminPage

router = APIRouter(include_in_schema=False)
Inn = Annotated[House, Depends(house)]


@router.get("/compose")
async def on_the_best(request: Request, inn: Inn, who: AdminPage) -> Response:
    return await _form(request, inn, who, None)


@router.get("/hosts/{host_id:int}/compose")
async def on_one(request: Request, inn: Inn, who: AdminPage, host_id: HostId) -> Response:
    return await _form(request, inn, who, host_id)


@router.get("/compose/review")
async def review_of_all(request: Request, inn: Inn, who: AdminPage) -> Response:
    return await _review(request, inn, who, None)


@router.get("/hosts/{host_id:int}/compose/review")
async def review_of_one(request: Request, inn: Inn, who: AdminPage, host_id: HostId) -> Response:
    return await _review(request, inn, who, host_id)


@router.post("/compose/review")
async def compose_on_the_best(request: Request, inn: Inn, who: AdminPage) -> Response:
    return await _compose(request, inn, who, None)


@router.post("/hosts/{host_id:int}/compose/review")
async def compose_on_one(request: Request, inn: Inn, who: AdminPage, host_id: HostId) -> Response:
    return await _compose(request, inn, who, host_id)


async def _form(request: Request, inn: House, who: AdminPage, host_id: int | None) -> Response:
    """The form. A button for rows, or another host, leads to the address of the form as it is then."""
    filled = compose_form.read(request.query_params.multi_items())
    if path := _elsewhere(request, host_id):
        return RedirectResponse(filled.address(path), status_code=303)
    if do := request.query_params.get("do"):
        changed, at = filled.changed(do)
        return RedirectResponse(changed.address(_path(host_id)) + (f"#{at}" if at else ""), status_code=303)
    there = await inn.services.database.reading(limits, inn, who, host_id)
    return _page(request, who, filled, there)


def _path(host_id: int | str | None) -> str:
    return "/compose" if host_id in (None, "") else f"/hosts/{host_id}/compose"


def _elsewhere(request: Request, host_id: int | None) -> str:
    """The form of another host, when one was chosen; "" when it is this one's."""
    here = "" if host_id is None else str(host_id)
    on = request.query_params.get("on", here)
    return _path(on) if on != here and (on.isdecimal() or not on) else ""


async def _review(request: Request, inn: House, who: AdminPage, host_id: int | None) -> Response:
    """What would become of it; the form again, with what is wrong, where nothing would."""
    filled = compose_form.read(request.query_params.multi_items())
    if path := _elsewhere(request, host_id):
        return RedirectResponse(filled.address(f"{path}/review"), status_code=303)
    there = await inn.services.database.reading(limits, inn, who, host_id)
    return await _reviewed(request, inn, who, filled, there)


async def _reviewed(
    request: Request,
    inn: House,
    who: AdminPage,
    filled: Filled,
    there: Limits,
    *,
    trouble: Trouble = NONE,
    user_data: str = "",
) -> Response:
    if wrong := problems(filled, there):
        return _page(request, who, filled, there, trouble=Trouble(brief="Some fields need another look.", fields=wrong))
    found = await compose_review.review(request, inn, who, filled, there)
    if found.best is None and not user_data:
        return _page(request, who, filled, there, trouble=found.trouble or trouble, found=found)
    return render(
        request,
        "compose_review.html",
        title=f"Review: a machine on {found.best.host}" if found.best else "Review: no machine yet",
        actor=who,
        status=_status(request, trouble),
        filled=filled,
        limits=there,
        found=found,
        reasons=compose_review.reasons,
        trouble=trouble,
        label=label,
        token=compose_review.token(),
        user_data=user_data,
    )


async def _compose(request: Request, inn: House, who: AdminPage, host_id: int | None) -> Response:
    """Compose what was reviewed, where it was said to be made. What stands against it now is shown with the review."""
    form = await forms.read(request, max_part_size=MOST)
    pairs = [(name, str(value)) for name, value in form.multi_items()]
    sent = dict(pairs)
    chosen = host_id if host_id is not None else _host(sent.get("chosen", ""))
    mark, name = sent.get("token", ""), sent.get("name", "")
    user_data = sent.get("user_data", "").replace("\r\n", "\n")
    filled = compose_form.read(pairs)
    database = inn.services.database
    there = await database.reading(limits, inn, who, host_id)
    if problems(filled, there):
        return await _reviewed(request, inn, who, filled, there, user_data=user_data)
    order = filled.sent(host_chosen=host_id is not None)
    hostname = filled.values.get("hostname") or name
    if not filled.values.get("hostname") and name:
        order.append(("hostname", name))
    if user_data.strip() and filled.values.get("image"):
        order.append(("user_data", user_data))
    try:
        system_id = await compose_review.compose(request, who, chosen, order, mark=mark)
    except InnkeeperError as error:
        if before := await database.reading(compose_review.made_before, hostname, mark, who):
            return done(f"/machines/{before.system_id}", f"{before.hostname} was composed already: here it is.")
        there = await database.reading(limits, inn, who, host_id)
        trouble = refused(error, filled)
        return await _reviewed(request, inn, who, filled, there, trouble=trouble, user_data=user_data)
    one = await database.reading(machines.find, system_id)
    return done(f"/machines/{system_id}", _words(one.hostname, Status(one.status), one.status_message))


def _host(text: str) -> int:
    """The host that the review named. Invalid when it named none."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid("The form does not say on which host.", resolution="Go back to its review.")
    return int(text)


def _status(request: Request, trouble: Trouble) -> int:
    """A review that finds something wrong is an answer; a change that was refused is not done."""
    return max(trouble.status, 400) if request.method == "POST" else 200


def _words(name: str, status: Status, message: str) -> str:
    if status == Status.COMMISSIONING:
        return f"{name} is being composed."
    if status == Status.DEPLOYING:
        return f"{name} was composed and is being deployed."
    return f"{name} was composed." if not message else f"{name}: {message}"


def _page(
    request: Request,
    who: AdminPage,
    filled: Filled,
    there: Limits,
    *,
    trouble: Trouble = NONE,
    found: Review | None = None,
) -> Response:
    return render(
        request,
        "compose.html",
        title=f"Compose on {there.host.name}" if there.host else "Compose on the best host",
        actor=who,
        status=_status(request, trouble),
        filled=filled,
        values=dict(filled.pairs()),
        limits=there,
        trouble=trouble,
        label=label,
        options=compose_options,
        found=found,
        reasons=compose_review.reasons,
    )
