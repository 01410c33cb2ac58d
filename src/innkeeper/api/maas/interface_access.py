"""The NIC of a call's path (of a machine, a device or a VM host's record), and who may see or change it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import sqlalchemy as sa

from innkeeper.api.maas import interface_shapes, shapes
from innkeeper.api.maas.network_lookups import wiring
from innkeeper.api.maas.routes import Call, no_match
from innkeeper.errors import Forbidden
from innkeeper.model.machine import Interface, Machine, Origin
from innkeeper.model.network import HostLink
from innkeeper.store import host_interfaces, hosts, machines


def node(call: Call, sql: sa.Connection) -> Machine:
    """What the path names, if the caller may see it."""
    one = machines.find(sql, call.path["system_id"])
    if not call.user.is_admin and one.owner_id not in (None, call.user.user_id):
        raise no_match("Machine")
    return one


def mine(call: Call, sql: sa.Connection) -> Machine:
    """What the path names, if the caller may change it now."""
    one = node(call, sql)
    call.permit(owner_id=one.owner_id, composer_id=one.composer_id)
    if one.locked:
        raise Forbidden(f"{one.hostname} is locked.", resolution="Unlock it first.")
    return one


def nic(call: Call, one: Machine) -> Interface:
    """The NIC of the path; NotFound."""
    return _picked(call, one.interfaces)


def uplink(call: Call, sql: sa.Connection, one: Machine) -> HostLink:
    """The interface of the path, of the VM host that a record stands for; NotFound."""
    return _picked(call, uplinks(sql, one))


def uplinks(sql: sa.Connection, one: Machine) -> list[HostLink]:
    """The interfaces of the VM host that a record stands for."""
    host = next((each for each in hosts.listing(sql) if each.system_id == one.system_id), None)
    return host_interfaces.of_hosts(sql, [host.id]).get(host.id, []) if host else []


def is_host(one: Machine) -> bool:
    """Whether the interfaces to show are a VM host's."""
    return one.origin == Origin.HOST and not one.interfaces


def name(call: Call, sql: sa.Connection, one: Machine) -> str:
    """The name of the interface of the path."""
    return uplink(call, sql, one).name if is_host(one) else nic(call, one).name


def shown(sql: sa.Connection, one: Machine) -> list[shapes.Json]:
    """The interfaces of a machine, a device or a VM host."""
    there = wiring(sql)
    if is_host(one):
        return [interface_shapes.host_interface(each, one.system_id, there) for each in uplinks(sql, one)]
    return [interface_shapes.interface(each, one.system_id, there) for each in one.interfaces]


def shape(sql: sa.Connection, call: Call) -> shapes.Json:
    """The interface of the path, read anew."""
    for found in shown(sql, node(call, sql)):
        if found["id"] == call.id:
            return found
    raise no_match("Interface")


_One = TypeVar("_One", Interface, HostLink)


def _picked(call: Call, there: Sequence[_One]) -> _One:
    for one in there:
        if one.id == call.id:
            return one
    raise no_match("Interface")
