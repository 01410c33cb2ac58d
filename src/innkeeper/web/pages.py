"""How a page is made: a template with what every page has around it, and the headers that bound what it may load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import jinja2
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.requests import Request

from innkeeper import __version__
from innkeeper.api.auth import Actor
from innkeeper.store.notices import Shown
from innkeeper.web import figures, formats, once, static, wording
from innkeeper.web.sessions import NOTICES

# Nothing from elsewhere, nothing inline, no eval.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Cookie",
}
_FLASH = "innkeeper_flash"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place of the navigation. `admin`: for administrators only; `also`: where else one is at this place."""

    group: str
    title: str
    path: str
    admin: bool = False
    also: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether that is a page of this place."""
        return any(path == one or path.startswith(f"{one}/") for one in (self.path, *self.also))


PLACES = (
    Place(group="Virtual machines", title="VM hosts", path="/hosts"),
    Place(group="Virtual machines", title="Machines", path="/machines", also=("/compose",)),
    Place(group="Virtual machines", title="Images", path="/images"),
    Place(
        group="Virtual machines",
        title="Networks",
        path="/networks",
        also=("/fabrics", "/vlans", "/subnets", "/spaces", "/static-routes", "/ip-ranges", "/addresses", "/domains"),
    ),
    Place(group="Organisation", title="Resource pools", path="/pools"),
    Place(group="Organisation", title="Zones", path="/zones"),
    Place(group="Organisation", title="Tags", path="/tags"),
    Place(group="Organisation", title="Users", path="/users", admin=True),
    Place(group="What happens", title="Operations", path="/operations"),
    Place(group="What happens", title="Events", path="/events"),
    Place(group="What happens", title="Notices", path="/notices"),
)

_environment = jinja2.Environment(
    loader=jinja2.PackageLoader("innkeeper.web"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals |= {
    "static": static.address,
    "version": __version__,
    "bar": figures.bar,
    "share": figures.share,
    "mark": once.mark,
}
_environment.filters |= {**formats.FILTERS, **wording.FILTERS}


def render(
    request: Request, template: str, *, title: str, actor: Actor | None = None, status: int = 200, **values: Any
) -> Response:
    """A page. `values` are the template's own."""
    path = request.scope["path"]
    places: dict[str, list[tuple[Place, bool]]] = {}
    for place in PLACES if actor else ():
        if actor and (actor.is_admin or not place.admin):
            places.setdefault(place.group, []).append((place, place.holds(path)))
    # A page that asks for itself anew shows only what is in it: the words wait for who comes next.
    flash = "" if "hx-request" in request.headers else unquote(request.cookies.get(_FLASH, ""))
    notices = request.scope.get(NOTICES, Shown())
    text = _environment.get_template(template).render(
        title=title, actor=actor, places=places, path=path, flash=flash, notices=notices, request=request, **values
    )
    response = HTMLResponse(text, status_code=status, headers=_HEADERS)
    if flash:
        response.delete_cookie(_FLASH)
    return response


def done(target: str, words: str = "") -> Response:
    """The way to another page after a change, which says these words once."""
    response = RedirectResponse(target, status_code=303)
    if words:
        response.set_cookie(_FLASH, quote(words[:1500]), max_age=60, httponly=True, samesite="lax")
    return response
