"""The table of routes: what it refuses to hold, and which route a path finds."""

from __future__ import annotations

import pytest

from innkeeper.api.auth import Who
from innkeeper.api.maas.dispatch import Dispatch
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Route, Table
from tests.unit.api.sample import echo


def _route(**changes):
    fields = {"handler": "A", "method": "GET", "path": "a/", "call": echo, "who": Who.USER, "doc": "A."}
    return Route(**{**fields, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "a"},
        {"path": "/a/"},
        {"method": "PATCH"},
        {"params": (Param("x"), Param("x"))},
        {"params": (Param("op"),)},
        {"params": (Param("x", alias_of="y"),)},
    ],
)
def test_a_route_that_cannot_be_meant(changes):
    with pytest.raises(ValueError, match=r"a/? op None: "):
        _route(**changes)


@pytest.mark.parametrize("second", [{}, {"path": "a/{id}/"}, {"path": "describe/"}])
def test_a_table_that_contradicts_itself(second):
    with pytest.raises(ValueError, match=r"two routes|same path"):
        Dispatch([_route(), _route(path="a/{name}/", handler="B"), _route(**{"handler": "C", **second})])


def test_a_fixed_path_wins():
    table = Table([_route(path="a/{name}/"), _route(path="a/b/")])
    found = [table.find(path) for path in ("a/b/", "a/c/", "a/b/c/")]
    assert [each and each[0].path for each in found] == ["a/b/", "a/{name}/", None]
