"""topology.py DIR OPTIONS: write the files of an invented machine, for lab/init to put over the real ones.

LXD learns sockets, cores, NUMA nodes, huge pages and SR-IOV from /sys and /proc. DIR gets a copy of those
files with the numbers asked for; DIR/binds says which goes where ("source target" lines), DIR/interfaces
which network interfaces must exist. Linux's order of CPU numbers: all first threads, then all second ones.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

parser = argparse.ArgumentParser(prog="--topology", allow_abbrev=False)
parser.add_argument("dir", type=Path)
parser.add_argument("--sockets", type=int, default=2)
parser.add_argument("--cores", type=int, default=8, help="per socket")
parser.add_argument("--threads", type=int, default=2, help="per core")
parser.add_argument("--nodes", type=int, default=2, help="NUMA nodes of the machine")
parser.add_argument("--mem-gib", type=int, default=64, help="GiB per NUMA node")
parser.add_argument("--hugepages", type=int, default=0, help="2 MiB pages per NUMA node")
parser.add_argument("--hugepages-free", type=int, help="of these free; default all")
parser.add_argument("--model", default="AMD EPYC 7302P 16-Core Processor")
parser.add_argument("--vendor", default="AuthenticAMD")
parser.add_argument("--isolated", default="", help="CPUs, like 4-5")
parser.add_argument("--offline", default="", help="CPUs, like 30,31")
parser.add_argument("--nic", action="append", default=[], metavar="NAME:NODE:PCI:MAX_VFS:VFS")
ask = parser.parse_args()
top = ask.dir.absolute()
binds: list[tuple[Path, str]] = []
interfaces: list[str] = []


def write(path: Path, text: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def link(path: Path, target: Path | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def ranges(numbers: Iterable[int]) -> str:
    """[0, 1, 2, 5] → "0-2,5"."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def cpus(nodes: dict[int, int], offline: set[int]) -> None:
    """/sys/devices/system/cpu and /proc/cpuinfo; `nodes`: CPU number → its NUMA node."""
    system = top / "cpu"
    cores = ask.sockets * ask.cores
    info = []
    for cpu, node in nodes.items():
        here = system / f"cpu{cpu}"
        core = cpu % cores
        socket = core // ask.cores
        write(here / "topology/physical_package_id", socket)
        write(here / "topology/core_id", core % ask.cores)
        write(here / "topology/die_id", 0)
        write(here / "topology/thread_siblings_list", ranges(range(core, len(nodes), cores)))
        together = (n for n in nodes if n % cores // ask.cores == socket)
        write(here / "topology/core_siblings_list", ranges(together))
        if cpu:  # CPU 0 cannot be switched off
            write(here / "online", int(cpu not in offline))
        caches = ((1, "Data", "32K"), (1, "Instruction", "32K"), (2, "Unified", "512K"), (3, "Unified", "16384K"))
        for index, values in enumerate(caches):
            for name, value in zip(("level", "type", "size"), values, strict=True):
                write(here / f"cache/index{index}/{name}", value)
        write(here / "cpufreq/cpuinfo_min_freq", 1500000)
        write(here / "cpufreq/cpuinfo_max_freq", 3300000)
        write(here / "cpufreq/scaling_cur_freq", 3000000)
        link(here / f"node{node}", f"../../node/node{node}")
        info.append(
            f"processor\t: {cpu}\nvendor_id\t: {ask.vendor}\ncpu family\t: 23\nmodel\t\t: 49\n"
            f"model name\t: {ask.model}\nphysical id\t: {socket}\ncore id\t\t: {core % ask.cores}\n"
            "flags\t\t: fpu vme sse sse2 svm\n"
        )
    write(system / "possible", ranges(nodes))
    write(system / "present", ranges(nodes))
    write(system / "online", ranges(nodes.keys() - offline))
    write(system / "offline", ranges(offline))
    write(system / "isolated", ask.isolated)
    write(system / "kernel_max", 8191)
    write(top / "cpuinfo", "\n".join(info))
    binds.append((system, "/sys/devices/system/cpu"))
    binds.append((top / "cpuinfo", "/proc/cpuinfo"))


def memory(nodes: dict[int, int]) -> None:
    """/sys/devices/system/node and /proc/meminfo. A quarter is in use."""
    system = top / "node"
    kib = ask.mem_gib * 1024 * 1024
    free = ask.hugepages if ask.hugepages_free is None else ask.hugepages_free
    for node in range(ask.nodes):
        here = system / f"node{node}"
        mine = [cpu for cpu in nodes if nodes[cpu] == node]
        for cpu in mine:
            link(here / f"cpu{cpu}", f"../../cpu/cpu{cpu}")
        write(here / "cpulist", ranges(mine))
        write(here / "numastat", "numa_hit 1")
        write(here / "distance", " ".join("10" if n == node else "20" for n in range(ask.nodes)))
        lines = (
            f"MemTotal: {kib} kB",
            f"MemFree: {kib * 3 // 4} kB",
            f"MemUsed: {kib // 4} kB",
            f"HugePages_Total: {ask.hugepages}",
            f"HugePages_Free: {free}",
            "HugePages_Surp: 0",
        )
        write(here / "meminfo", "\n".join(f"Node {node} {line}" for line in lines))
        for size, total, unused in (("2048kB", ask.hugepages, free), ("1048576kB", 0, 0)):
            pages = here / f"hugepages/hugepages-{size}"
            write(pages / "nr_hugepages", total)
            write(pages / "free_hugepages", unused)
            write(pages / "surplus_hugepages", 0)
    for name in ("online", "possible", "has_cpu", "has_memory", "has_normal_memory"):
        write(system / name, ranges(range(ask.nodes)))
    (top / "memory").mkdir()  # empty, without block_size_bytes: LXD then takes MemTotal
    kib *= ask.nodes
    write(
        top / "meminfo",
        f"MemTotal: {kib} kB\nMemFree: {kib * 3 // 4} kB\nMemAvailable: {kib * 3 // 4} kB\nBuffers: 0 kB\n"
        f"Cached: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nHugePages_Total: {ask.hugepages * ask.nodes}\n"
        f"HugePages_Free: {free * ask.nodes}\nHugePages_Rsvd: 0\nHugePages_Surp: 0\nHugepagesize: 2048 kB",
    )
    binds.append((system, "/sys/devices/system/node"))
    binds.append((top / "memory", "/sys/devices/system/memory"))
    binds.append((top / "meminfo", "/proc/meminfo"))


def device(address: str, node: str, driver: str, product: str) -> Path:
    """A PCI device with its driver; the directory."""
    here = top / "pci" / address
    write(here / "uevent", f"DRIVER={driver}\nPCI_CLASS=20000\nPCI_ID=8086:{product}\nPCI_SLOT_NAME={address}")
    write(here / "class", "0x020000")
    write(here / "vendor", "0x8086")
    write(here / "device", f"0x{product}")
    write(here / "numa_node", node)
    link(here / "subsystem", "/sys/bus/pci")
    write(top / "drivers" / driver / "module/version", "5.1.0-k")
    link(here / "driver", f"../../drivers/{driver}")
    return here


def interface(name: str, pci: Path, mac: str) -> None:
    """/sys/devices/virtual/net/NAME, on that device."""
    here = top / "net" / name
    facts = {"address": mac, "addr_len": 6, "type": 1, "ifindex": 0, "dev_port": 0, "uevent": f"INTERFACE={name}"}
    state = {"operstate": "up", "carrier": 1, "mtu": 1500, "speed": 10000, "flags": "0x1003"}
    for key, value in {**facts, **state}.items():
        write(here / key, value)
    link(here / "device", pci)
    write(pci / f"net/{name}/address", mac)
    write(pci / f"net/{name}/type", 1)
    write(pci / f"net/{name}/dev_port", 0)
    binds.append((here, f"/sys/devices/virtual/net/{name}"))
    interfaces.append(name)


def nic(number: int, spec: str) -> None:
    """A network card and its virtual functions, from NAME:NODE:DOMAIN:BUS:SLOT:MAX_VFS:VFS."""
    name, node, domain, bus, slot, most, made = spec.split(":")
    card = device(f"{domain}:{bus}:{slot}", node, "ixgbe", "1528")
    if int(most):
        write(card / "sriov_totalvfs", most)
        write(card / "sriov_numvfs", made)
    interface(name, card, f"aa:bb:cc:00:{number:02x}:00")
    for n in range(int(made)):
        function = device(f"{domain}:{bus}:1{n // 8:x}.{n % 8}", node, "ixgbevf", "1515")
        link(function / "physfn", card)
        link(card / f"virtfn{n}", function)
        interface(f"{name}v{n}", function, f"aa:bb:cc:00:{number:02x}:{n + 1:02x}")


all_cores = ask.sockets * ask.cores
node_of = {n: n % all_cores * ask.nodes // all_cores for n in range(all_cores * ask.threads)}
cpus(node_of, {int(n) for n in ask.offline.split(",") if n})
memory(node_of)
for position, text in enumerate(ask.nic):
    nic(position, text)
(top / "interfaces").write_text("".join(f"{name}\n" for name in interfaces))
(top / "binds").write_text("".join(f"{source} {target}\n" for source, target in binds))
