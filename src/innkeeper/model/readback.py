"""Whether what a host made is what was asked for."""

from __future__ import annotations

from innkeeper.model.machine import InstanceFacts, InstanceSpec


def differences(spec: InstanceSpec, made: InstanceFacts) -> list[str]:
    """What the host made otherwise than asked, in words; empty when it is the same."""
    found = []
    for name, asked, got in (
        ("cores", spec.cores, made.cores),
        ("pinned cores", spec.pinned, made.pinned),
        ("memory (MiB)", spec.memory, made.memory),
        ("huge pages", spec.huge_pages, made.huge_pages),
        ("architecture", spec.architecture, made.architecture),
    ):
        if asked != got:
            found.append(f"{name}: asked {asked}, made {got}")
    disks = {disk.device: disk for disk in made.disks}
    for disk in spec.disks:
        got_disk = disks.get(disk.device)
        if got_disk is None:
            found.append(f"disk {disk.device} is missing")
        elif (got_disk.pool, got_disk.volume) != (disk.pool, disk.volume):
            asked_in, made_in = ("/".join(filter(None, (one.pool, one.volume))) for one in (disk, got_disk))
            found.append(f"disk {disk.device}: asked in {asked_in}, made in {made_in}")
        elif not disk.volume and got_disk.size != disk.size:
            found.append(f"disk {disk.device}: asked {disk.size} bytes, made {got_disk.size}")
    nics = {nic.device: nic for nic in made.interfaces}
    for nic in spec.interfaces:
        got_nic = nics.get(nic.device)
        if got_nic is None:
            found.append(f"NIC {nic.device} is missing")
        elif got_nic.parent != nic.parent or got_nic.mac.lower() != nic.mac.lower():
            found.append(
                f"NIC {nic.device}: asked {nic.mac} on {nic.parent}, made {got_nic.mac or 'no MAC'} on {got_nic.parent}"
            )
        elif got_nic.vlan != nic.vlan:
            found.append(f"NIC {nic.device}: asked with VLAN tag {nic.vlan}, made with {got_nic.vlan} (0 is none)")
        elif set(got_nic.addresses) != set(nic.addresses):
            asked_for, got_for = (" and ".join(one.addresses) or "none" for one in (nic, got_nic))
            found.append(f"NIC {nic.device}: asked with address {asked_for}, made with {got_for}")
    return found
