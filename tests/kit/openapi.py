"""The route table of the REST API 2.0 as an OpenAPI document, for tests that call it by its own description.

OpenAPI has one call for a method and a path; the ops are told apart by the path form that the API takes too: …/op-NAME.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import PREFIX, Route

Json = dict[str, Any]
_JSON, _TEXT, _BYTES = "application/json", "text/plain", "application/octet-stream"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_KINDS: dict[str, Json] = {
    "text": {"type": "string"},
    "csv": {"type": "string"},
    "file": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
}
_FIELDS: Json = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"type": "array", "minItems": 1, "items": {"type": "string"}},
}


def document(routes: Iterable[Route], *, known: Mapping[str, Collection[str]]) -> Json:
    """The description. `known`: values that mean something for names of paths and parameters; others are sent too."""
    paths: dict[str, Json] = {}
    for route in routes:
        path = PREFIX + route.template
        if route.op:
            path = path.removesuffix("/") + f"/op-{route.op}"
        paths.setdefault(path, {})[route.method.lower()] = _call(route, known)
    return {"openapi": "3.1.0", "info": {"title": "REST API 2.0", "version": "2.0"}, "paths": paths}


def _call(route: Route, known: Mapping[str, Collection[str]]) -> Json:
    named = [
        {"name": name, "in": "path", "required": True, "schema": _value(Param(name), known, longest=20)}
        for name in route.names
    ]
    params = [param for param in route.params if not param.refused]
    told: Json = {"parameters": named, "responses": _ANSWERS, "x-refused": bool(route.refused)}
    if route.method in ("GET", "DELETE"):
        told["parameters"] = named + [
            {"name": param.name, "in": "query", "required": param.required, "schema": _value(param, known)}
            for param in params
        ]
    else:
        body: Json = {
            "type": "object",
            "properties": {param.name: _value(param, known) for param in params},
            "required": [param.name for param in params if param.required],
            "additionalProperties": {"type": "string"} if route.other else False,
        }
        told["requestBody"] = {"content": {form: {"schema": body} for form in (*_FORMS, _JSON)}}
    return told


def _value(param: Param, known: Mapping[str, Collection[str]], *, longest: int = 300) -> Json:
    """What may be sent: of known names those and a wrong one, else all of the kind, which is refused in order."""
    one = dict(_KINDS[param.kind])
    if one["type"] == "string":
        one["maxLength"] = longest
    if choices := [*param.choices, *(known.get(param.name) or ())]:
        one = {"enum": [*choices, "x" if one["type"] == "string" else "9"]}
    return {"anyOf": [one, {"type": "array", "items": one, "maxItems": 3}]} if param.repeated else one


def _answer(*types: str, schema: Json | None = None) -> Json:
    content: Json = {kind: {"schema": schema if kind == _JSON and schema else {}} for kind in types}
    return {"description": "", "content": content}


# 404 and refusals of rights are never JSON: clients tell "absent" from "present" by it.
_ANSWERS: Json = {
    "200": _answer(_JSON, _TEXT, _BYTES),
    "201": _answer(_TEXT),
    "204": _answer(_TEXT),
    "400": _answer(_TEXT, _JSON, schema=_FIELDS),
    "401": _answer(_TEXT),
    "403": _answer(_TEXT),
    "404": _answer(_TEXT),
    "409": _answer(_TEXT),
}
