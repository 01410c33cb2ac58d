"""One search for all: pages, VM hosts, machines, other nouns; by the words of today and those people knew before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.model.host import Host
from innkeeper.store import hosts, machine_pages
from innkeeper.store.machine_pages import Wanted
from innkeeper.store.machines import Filter
from innkeeper.web import search_nouns
from innkeeper.web.bulk_cases import cases
from innkeeper.web.machine_case import Case
from innkeeper.web.pages import PLACES, Place, render
from innkeeper.web.search_nouns import SOME, Group
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False)
# What pages are looked for by, beside their titles; some of these are MAAS's words.
_ALSO = {
    "/hosts": "kvm kvms pod pods vm-host vm-hosts vmhost vmhosts lxd incus virsh libvirt hypervisor server servers",
    "/machines": "vm vms virtual machine node nodes instance instances",
    "/zones": "availability zone az azs",
    "/pools": "pool pools",
    "/images": "boot resources release releases",
    "/networks": "subnet subnets fabric fabrics vlan vlans space spaces ip address addresses dhcp",
    "/operations": "task tasks job jobs running",
    "/events": "audit log logs history",
    "/users": "account accounts",
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found of each kind, the first few; `hosts_total`, `machines_total`: how many there are."""

    places: tuple[Place, ...] = ()
    hosts: tuple[Host, ...] = ()
    hosts_total: int = 0
    machines: tuple[Case, ...] = ()
    machines_total: int = 0
    groups: tuple[Group, ...] = ()

    @property
    def nothing(self) -> bool:
        return not (self.places or self.hosts or self.machines or self.groups)


@router.get("/search")
async def search(
    request: Request,
    inn: Annotated[House, Depends(house)],
    who: SignedIn,
    q: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    words = tuple(q.replace("\0", "").casefold().split())
    found = await inn.services.database.reading(_find, words, who) if words else Found()
    return render(request, "search.html", title="Search", actor=who, q=" ".join(words), found=found)


def _find(sql: sa.Connection, words: tuple[str, ...], who: Actor) -> Found:
    on = [one for one in hosts.listing(sql) if all(word in _text(one) for word in words)]
    wanted = Wanted(words=words, which=Filter(seen_by=None if who.is_admin else who.user_id))
    page = machine_pages.page(sql, wanted, sort="name", down=False, group="", number=1, size=SOME)
    return Found(
        places=tuple(one for one in PLACES if (who.is_admin or not one.admin) and _meant(one, words)),
        hosts=tuple(sorted(on, key=lambda one: one.name)[:SOME]),
        hosts_total=len(on),
        machines=tuple(cases(sql, who, page.rows)),
        machines_total=page.total,
        groups=tuple(search_nouns.find(sql, words, who)),
    )


def _text(one: Host) -> str:
    return " ".join((one.name, one.address, one.project, one.kind, str(one.state), *one.tags)).casefold()


def _meant(place: Place, words: tuple[str, ...]) -> bool:
    """Whether these words mean a page: each is one of its own, or begins its title's."""
    title, also = place.title.casefold().split(), _ALSO.get(place.path, "").split()
    return all(word in also or any(one.startswith(word) for one in title) for word in words)
