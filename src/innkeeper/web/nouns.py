"""Nouns with forms: making, changing and deleting one, made from a description of its fields and calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from innkeeper.api.auth import Actor, Who, permit
from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.errors import InnkeeperError, NotFound
from innkeeper.web import forms
from innkeeper.web.calls import NONE, Trouble, perform, sent
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import SignedIn

Inn = Annotated[House, Depends(house)]
Choices = Sequence[tuple[object, str]]
GROUP_NAME = "Letters and digits; blanks, hyphens, underscores and points inside."
_MOST_DIGITS = 18  # of an id that every database takes


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a form, called as the API calls it. `kind`: text, number, area, choice, tick."""

    name: str
    label: str
    kind: str = "text"
    help: str = ""
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One of a noun (or what a new one begins with) as its forms show it.

    `back`: where one came from, and goes when it is done; `after`: where one goes when it is deleted. `choices`: of the
    fields that are choices. `goes`, `stays`: what a delete does, in sentences. `held`: who uses it, in words: then it
    cannot be deleted. `ways`: where all of them are seen, (path, words). `fixed`: why it can neither be deleted, a
    sentence ("" it can).
    """

    title: str
    back: str
    after: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    choices: Mapping[str, Choices] = field(default_factory=dict)
    goes: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    held: str = ""
    ways: tuple[tuple[str, str], ...] = ()
    fixed: str = ""


Find = Callable[[sa.Connection, Actor, str], Seen]
Blank = Callable[[sa.Connection, Actor, Mapping[str, str]], Seen]


@dataclass(frozen=True, kw_only=True)
class Noun:
    """A noun: how it is called, where its pages are, which calls make it, which fields its form has.

    `many`: the API's path where one is made; `one`: that of one, by its key; {…} of `many` is the value of the field of
    that name, which is not sent then. `blank` gets the query of the page of a new one.
    """

    word: str
    place: str
    many: str
    one: str
    fields: tuple[Field, ...]
    find: Find
    blank: Blank
    about: str = ""
    who: Who = Who.ADMIN

    def called(self, name: str) -> str:
        """ "the fabric left"."""
        return f"the {self.word} {name}"


def called(noun: Noun, name: str) -> str:
    """The title of its page: "Fabric left", and "fabric-1" for one whose name says already what it is."""
    return name if name.casefold().startswith(noun.word) else f"{_first_up(noun.word)} {name}"


def number(key: str) -> int:
    """The id that a path names; NotFound for what is none."""
    if not (key.isascii() and key.isdigit() and len(key) <= _MOST_DIGITS):
        raise NotFound("There is no such page.")
    return int(key)


def add_forms(router: APIRouter, noun: Noun) -> None:
    """Give a router the forms of a noun: PLACE/new, PLACE/KEY/edit, PLACE/KEY/delete."""

    async def blank(request: Request, inn: House, who: Actor) -> Seen:
        permit(who, noun.who.door)
        return await inn.services.database.reading(noun.blank, who, request.query_params)

    async def find(inn: House, who: Actor, key: str) -> Seen:
        permit(who, noun.who.door)
        if "\0" in key:
            raise NotFound("There is no such page.")
        return await inn.services.database.reading(noun.find, who, key)

    @router.get(f"{noun.place}/new")
    async def new(request: Request, inn: Inn, who: SignedIn) -> Response:
        return _form(request, who, noun, await blank(request, inn, who))

    @router.post(f"{noun.place}/new")
    async def create(request: Request, inn: Inn, who: SignedIn) -> Response:
        seen = await blank(request, inn, who)
        form = await forms.read(request)
        path = noun.many.format(**{one.name: _quoted(str(form.get(one.name) or "-")) for one in noun.fields})
        try:
            await perform(request, who, "POST", path, sent=_sent(noun, form, new=True))
        except InnkeeperError as error:
            return _form(request, who, noun, seen, filled=form, trouble=Trouble.of(error))
        return done(seen.back, f"{_first_up(noun.called(_name(form, '')).strip())} was made.")

    @router.get(f"{noun.place}/{{key}}/edit")
    async def edit(request: Request, inn: Inn, who: SignedIn, key: str) -> Response:
        return _form(request, who, noun, await find(inn, who, key), key=key)

    @router.post(f"{noun.place}/{{key}}/edit")
    async def update(request: Request, inn: Inn, who: SignedIn, key: str) -> Response:
        seen = await find(inn, who, key)
        form = await forms.read(request)
        try:
            await perform(request, who, "PUT", noun.one.format(key=_quoted(key)), sent=_sent(noun, form))
        except InnkeeperError as error:
            return _form(request, who, noun, seen, key=key, filled=form, trouble=Trouble.of(error))
        return done(seen.back, f"{_first_up(noun.called(_name(form, seen.title)))} was changed.")

    @router.get(f"{noun.place}/{{key}}/delete")
    async def ask_delete(request: Request, inn: Inn, who: SignedIn, key: str) -> Response:
        return _delete(request, who, noun, await find(inn, who, key))

    @router.post(f"{noun.place}/{{key}}/delete")
    async def delete(request: Request, inn: Inn, who: SignedIn, key: str) -> Response:
        seen = await find(inn, who, key)
        try:
            await perform(request, who, "DELETE", noun.one.format(key=_quoted(key)))
        except InnkeeperError as error:
            return _delete(request, who, noun, seen, trouble=Trouble.of(error))
        return done(seen.after or seen.back, f"{_first_up(noun.called(seen.title))} was deleted.")


def _sent(noun: Noun, form: FormData, *, new: bool = False) -> list[tuple[str, str]]:
    """What the API is told. A box that is not ticked is not in the form: it is a "false"."""
    ticks = [one.name for one in noun.fields if one.kind == "tick"]
    names = [one.name for one in noun.fields if one.kind != "tick" and not (new and f"{{{one.name}}}" in noun.many)]
    return sent(form, *names, given=new) + [(name, "true" if form.get(name) else "false") for name in ticks]


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _name(form: FormData, otherwise: str) -> str:
    return str(form.get("name") or form.get("cidr") or otherwise)


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


def _form(
    request: Request,
    who: Actor,
    noun: Noun,
    seen: Seen,
    *,
    key: str = "",
    filled: FormData | None = None,
    trouble: Trouble = NONE,
) -> Response:
    """The form of a noun, a new one (`key` "") or one that is there, as it was filled in."""
    return render(
        request,
        "noun_form.html",
        title=_first_up(noun.called(seen.title)) if key else f"New {noun.word}",
        actor=who,
        status=trouble.status,
        noun=noun,
        seen=seen,
        values=seen.values if filled is None else dict(filled),
        trouble=trouble,
        button="Save" if key else f"Make the {noun.word}",
    )


def _delete(request: Request, who: Actor, noun: Noun, seen: Seen, *, trouble: Trouble = NONE) -> Response:
    what = noun.called(seen.title)
    return render(
        request,
        "delete.html",
        title=f"Delete {what}",
        actor=who,
        status=trouble.status,
        trouble=trouble,
        what=what,
        goes=[f"{_first_up(what)} itself.", *seen.goes],
        stays=seen.stays,
        held=seen.fixed or (f"{_first_up(what)} is in use by {seen.held}." if seen.held else ""),
        ways=seen.ways,
        back=seen.back,
        typed="",
    )
