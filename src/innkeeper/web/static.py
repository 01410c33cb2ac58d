"""What browsers load: built files with a hash in their names, so that they are kept for ever and never stale."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path

from fastapi.responses import Response
from starlette.datastructures import Headers
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from innkeeper.errors import Misconfigured

PATH = "/static"


def directory() -> Path:
    """Where the built files are; Misconfigured when they were not built."""
    found = Path(str(resources.files("innkeeper.web") / "static"))
    if not (found / "manifest.json").is_file():
        raise Misconfigured("The pages' style sheet and scripts were not built.", resolution="Run `make assets`.")
    return found


@cache
def _manifest() -> dict[str, str]:
    names: dict[str, str] = json.loads((directory() / "manifest.json").read_text())
    return names


def address(name: str) -> str:
    """Where a browser loads a file: "app.css" → "/static/app.0123456789ab.css"."""
    return f"{PATH}/{_manifest()[name]}"


@cache
def _packed() -> frozenset[str]:
    """The files that are there compressed as well."""
    return frozenset(one.name.removesuffix(".gz") for one in directory().glob("*.gz"))


class Files(StaticFiles):
    """Static files that a browser keeps for a year; compressed when they were built."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        hashed = path in _manifest().values()
        packed = path in _packed() and "gzip" in Headers(scope=scope).get("accept-encoding", "")
        response = await super().get_response(f"{path}.gz" if packed else path, scope)
        if packed:
            response.headers["Content-Encoding"] = "gzip"
        response.headers.add_vary_header("Accept-Encoding")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response
