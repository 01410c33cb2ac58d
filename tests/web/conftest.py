"""Pages without a browser: the in-process house, and the administrator signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.conftest import address as address  # the house over a real socket
from tests.kit.house import Inn
from tests.web.visitor import Visitor


@pytest.fixture
async def admin(house: Inn) -> AsyncIterator[Visitor]:
    """The administrator, signed in."""
    async with Visitor(house) as one:
        await one.sign_in("admin")
        yield one
