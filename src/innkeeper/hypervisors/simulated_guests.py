"""The guests of a simulated host: what it sees of them, what people set on them, what its networks give to them."""

from __future__ import annotations

from dataclasses import replace

from innkeeper.hypervisors.base import GuestFacts, Leases
from innkeeper.hypervisors.simulated_images import SimulatedImages
from innkeeper.model.machine import Added, PowerState


class SimulatedGuests(SimulatedImages):
    """The part of `simulated.Simulated` that is about guests."""

    def _key(self, name: str) -> str:
        raise NotImplementedError

    async def guest(self, *, name: str) -> GuestFacts:
        async with self._call("guest", name) as state:
            there = state.instances.get(self._key(name))
            on = there is not None and there.power == PowerState.ON
            return state.guests.get(self._key(name), GuestFacts()) if on else GuestFacts()

    async def added(self, *, name: str, machine: str) -> Added | None:
        async with self._call("added", name) as state:
            there = state.instances.get(self._key(name))
            mine = there is not None and there.tag("machine") == machine
            return state.added.get(self._key(name), Added()) if mine else None

    async def leases(self) -> tuple[Leases, ...]:
        async with self._call("leases") as state:
            told = [one.name for one in state.interfaces if one.managed and one.dhcp]
            return tuple(
                Leases(network=name, given=tuple((mac, ip) for network, mac, ip in state.leases if network == name))
                for name in told
            )

    async def our_address(self) -> str:
        async with self._call("our_address") as state:
            return state.our_end

    async def readdress(self, *, name: str, machine: str, addresses: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        async with self._call("readdress", name, change=True) as state:
            there = state.instances.get(self._key(name))
            if there and there.tag("machine") == machine:
                wanted = dict(addresses)
                nics = tuple(replace(nic, addresses=wanted.get(nic.mac, nic.addresses)) for nic in there.interfaces)
                state.instances[self._key(name)] = replace(there, interfaces=nics)
