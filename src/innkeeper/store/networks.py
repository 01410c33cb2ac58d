"""All networks that are known, read at once: what names in a request are looked up in."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.model.network_names import Networks
from innkeeper.store import fabrics, spaces, subnets, vlans


def known(sql: sa.Connection) -> Networks:
    """Fabrics, VLANs, spaces and subnets. Four queries."""
    return Networks(
        fabrics=tuple(fabrics.listing(sql)),
        vlans=tuple(vlans.listing(sql)),
        spaces=tuple(spaces.listing(sql)),
        subnets=tuple(subnets.listing(sql)),
    )
