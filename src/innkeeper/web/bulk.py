"""Something is done with many machines: first it is shown what can be, and asked for what it needs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.errors import InnkeeperError, Invalid
from innkeeper.model import user_data
from innkeeper.web import bulk_picks, forms, machine_filters
from innkeeper.web.bulk_actions import BY_NAME, Bulk
from innkeeper.web.bulk_picks import MOST, Picks
from innkeeper.web.bulk_run import Order, submit
from innkeeper.web.calls import NONE, Trouble, typed
from innkeeper.web.formats import plural
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/machines/bulk")
Inn = Annotated[House, Depends(house)]
_KEY = re.compile(r"[0-9a-f]{32}")


@router.get("")
async def ask(request: Request, inn: Inn, who: SignedIn) -> Response:
    """The form of an action: with which machines it can be done, with which it cannot, and why not."""
    return await _form(request, inn, who, ticked=None, values={})


@router.post("")
async def order(request: Request, inn: Inn, who: SignedIn) -> Response:
    """Have it done with those that are ticked; their results have a page of their own."""
    form = await forms.read(request, max_fields=5 * MOST, max_part_size=user_data.MOST)
    values = {name: str(value) for name, value in form.items() if name != "machine"}
    ticked = frozenset(str(one) for one in form.getlist("machine"))
    bulk = _bulk(request, who)
    try:
        if bulk is None:
            raise Invalid("Choose what is to be done.")
        if len(ticked) > MOST:
            raise Invalid(f"At most {MOST} machines at once.")
        picks = await inn.services.database.reading(bulk_picks.ticked, ticked, bulk, who)
        _check(bulk, picks, form, alone=len(request.query_params.getlist("machine")) == 1)
    except InnkeeperError as error:
        return await _form(request, inn, who, ticked=ticked, values=values, trouble=Trouble.of(error))
    key = values.get("key", "")
    one = Order(
        id=key if _KEY.fullmatch(key) else uuid.uuid4().hex,
        bulk=bulk,
        title=bulk.words({name: values.get(name, "") for name in bulk.fields}),
        filled={name: _filled(name, values.get(name, "")) for name in bulk.fields},
        machines=picks.machines,
        who=who,
        request=request,
    )
    await submit(inn, one)
    return done(f"/machines/bulk/{one.id}")


def _filled(name: str, value: str) -> str:
    """A field as the calls are sent it: user data as it was typed, names without blanks around them."""
    return typed(value) if name == "user_data" else value.strip()


def _bulk(request: Request, who: Actor) -> Bulk | None:
    """The action of the address, if who looks may do it at all."""
    bulk = BY_NAME.get(request.query_params.get("action", ""))
    return bulk if bulk is not None and (who.is_admin or not bulk.admin) else None


def _check(bulk: Bulk, picks: Picks, form: FormData, *, alone: bool) -> None:
    """What can be told before the first call. Raises Invalid. `alone`: one machine was shown, so its name is asked."""
    if not picks.machines:
        raise Invalid("No machine is ticked.")
    for name in bulk.fields:
        if name in picks.choices and str(form.get(name, "")) not in picks.choices[name]:
            raise Invalid("Something is missing.", fields={name: ["choose one"]})
    confirmed = str(form.get("typed", "")).strip()
    if "typed" in bulk.fields and confirmed not in (picks.to_type, *([] if alone else [str(len(picks.machines))])):
        what = "the name of the machine" if len(picks.machines) == 1 else "as many are ticked"
        raise Invalid("Nothing was done.", fields={"typed": [f"type {picks.to_type}: {what}"]})


async def _form(
    request: Request,
    inn: House,
    who: Actor,
    *,
    ticked: frozenset[str] | None,
    values: Mapping[str, str],
    trouble: Trouble = NONE,
) -> Response:
    """`ticked`: the machines that were; None: all that it can be done with."""
    bulk, which = _bulk(request, who), machine_filters.chosen(request)
    ids = tuple(dict.fromkeys(request.query_params.getlist("machine")))[: MOST + 1]
    whole = request.query_params.get("all") == "yes"
    picks = await inn.services.database.reading(bulk_picks.read, bulk, who, ids=ids, which=which if whole else None)
    return render(
        request,
        "bulk.html",
        title=f"{bulk.title}: {plural(picks.asked, 'machine')}" if bulk else "Choose what is to be done",
        actor=who,
        status=trouble.status,
        bulk=bulk,
        picks=picks,
        most=MOST,
        ticked=ticked,
        values=dict(values),
        trouble=trouble,
        key=uuid.uuid4().hex,
        back=which.address,
    )
