"""A page that says why there is none: not found, not allowed, a host that does not answer."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response
from starlette.requests import Request

from innkeeper.api.auth import Actor
from innkeeper.api.browser import SAFE, BrowserSession
from innkeeper.api.house import House
from innkeeper.errors import Forbidden, InnkeeperError, Invalid, NotFound
from innkeeper.web.calls import Trouble
from innkeeper.web.pages import render
from innkeeper.web.tables import address

_TITLES = ((NotFound, "Not found"), (Forbidden, "Not allowed"))
_WRONG = {
    "missing": "is missing",
    "int_parsing": "is no whole number",
    "int_parsing_size": "is too large a number",
    "less_than_equal": "is too large a number",
    "greater_than_equal": "is too small a number",
    "string_too_long": "is too long",
    "string_type": "is a file, and text is asked for",
    "string_pattern_mismatch": "holds a control character",
    "bool_parsing": "is neither true nor false",
}
_PROGRAMS = ("/api/", "/MAAS/", "/internal/", "/static/", "/healthz", "/readyz", "/metrics")


def for_people(path: str) -> bool:
    """Whether a path is a page's, and not one that programs call."""
    return not path.startswith(_PROGRAMS)


async def page(request: Request, error: InnkeeperError, *, without: str = "") -> Response:
    """The error as a page for who is signed in, as text for others. `without`: this page's address without what is
    wrong in it."""
    who = await _who(request)
    if who is None:
        return PlainTextResponse(f"{error}\n", status_code=error.status)
    return render(
        request,
        "trouble.html",
        title=next((words for kind, words in _TITLES if isinstance(error, kind)), "This did not work"),
        actor=who,
        status=error.status,
        trouble=Trouble.of(error),
        without=without,
    )


async def no_page(request: Request, *, status: int, headers: Mapping[str, str] | None) -> Response:
    """What no route takes, with the status and headers that say so."""
    told: InnkeeperError = NotFound("There is no such page.")
    if status == 405:
        told = InnkeeperError(
            "There is nothing to see at this address: it takes what a form sends.",
            resolution="Go back to the page with the form.",
        )
    elif status == 413:
        told = InnkeeperError("What was sent is larger than this page takes.", resolution="Nothing was done with it.")
    elif status != 404:
        told = InnkeeperError(f"This request cannot be understood ({status}).")
    told.status = status
    answer = await page(request, told)
    answer.headers.update(headers or {})
    return answer


async def not_understood(request: Request, error: Exception) -> Response:
    """A path or a query that cannot be read: on a page in words, for programs as FastAPI says it."""
    assert isinstance(error, RequestValidationError)
    if not for_people(request.scope["path"]):
        return await request_validation_exception_handler(request, error)
    wrong = error.errors()
    if any(one["loc"][0] == "path" for one in wrong):
        return await page(request, NotFound("There is no such page."))
    names = list(dict.fromkeys(str(one["loc"][-1]) for one in wrong))
    words = "; ".join(f"“{one['loc'][-1]}” {_WRONG.get(one['type'], 'is not one that there is')}" for one in wrong)
    what = "This form" if any(one["loc"][0] == "body" for one in wrong) else "The address of this page"
    told = Invalid(f"{what} cannot be read: {words}.")
    there = request.method in SAFE and all(name in request.query_params for name in names)
    return await page(request, told, without=address(request, **dict.fromkeys(names)) if there else "")


async def _who(request: Request) -> Actor | None:
    """Who is signed in; nobody when a page of another site sent this."""
    house: House = request.app.state.house
    try:
        return await BrowserSession(house).identify(request, oauth={})
    except Forbidden:
        return None
