"""Texts of the API as help pages."""

from __future__ import annotations

import pytest

from innkeeper.api.app import ROUTES
from innkeeper.api.maas.describe import Description
from innkeeper.cli.doctext import read_doc


def test_a_text_with_colons_keeps_its_parameter() -> None:
    doc = read_doc("Compose.\n\n:param storage: Disks: [label:]size,… (text)\n:type int cores: a number\n")
    assert doc.parameters == (("storage", "Disks: [label:]size,… (text)"), ("cores", "[a number]"))


def test_every_parameter_of_our_own_api_is_read_by_its_name() -> None:
    described = Description(ROUTES).document("http://inn")
    actions = {
        (resource["name"], action["name"]): action["doc"]
        for resource in described["resources"]
        for side in ("anon", "auth")
        if resource[side]
        for action in resource[side]["actions"]
    }
    checked = 0
    for route in ROUTES:
        wanted = {param.name for param in route.params if not param.refused} | (
            {"KEY"} if route.other or route.refused else set()
        )
        name = route.op or {"GET": "read", "POST": "create", "PUT": "update", "DELETE": "delete"}[route.method]
        doc = actions[f"{route.handler}Handler", name]
        assert {parameter for parameter, _ in read_doc(doc).parameters} == wanted, (route.handler, name)
        checked += len(wanted)
    assert checked > 50


@pytest.mark.parametrize("resource", sorted({route.handler for route in ROUTES}))
def test_every_resource_says_what_it_is_for(resource: str) -> None:
    from innkeeper.api.maas.nouns import DOCS

    assert DOCS[resource].endswith(".")
