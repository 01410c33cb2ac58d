"""What browsers load: built files with a hash in their names, so that they are kept for ever and never stale."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path

from fastapi.responses import Response
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


class Files(StaticFiles):
    """Static files that a browser keeps for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        hashed = path in _manifest().values()
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return response
