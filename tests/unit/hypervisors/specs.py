"""An instance and a volume to make, for tests of drivers."""

from __future__ import annotations

from innkeeper.hypervisors.base import VolumeSpec
from innkeeper.model.machine import DiskSpec, InstanceSpec, InterfaceSpec

GB = 10**9
TAGS = (("installation", "i1"), ("machine", "m1"), ("operation", "o1"))
SPEC = InstanceSpec(
    name="vm",
    project="default",
    architecture="amd64/generic",
    cores=2,
    memory=2048,
    disks=(DiskSpec(device="root", pool="default", size=8 * GB),),
    interfaces=(InterfaceSpec(device="eth0", attach="network", parent="lxdbr0", mac="00:16:3e:00:00:01"),),
    tags=TAGS,
)
VOLUME = VolumeSpec(pool="default", name="m1-disk1", project="default", size=5 * GB, tags=TAGS)
