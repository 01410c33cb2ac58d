"""Answers as tables, aligned in a pipe and drawn on a terminal."""

from __future__ import annotations

import json

import pytest

from innkeeper.cli.columns import cell
from innkeeper.cli.tables import plain_text, print_rich, tables_of
from tests.unit.cli.conftest import Run
from tests.unit.cli.fake import FakeServer

POOL = {
    "id": "fast", "name": "fast", "type": "zfs", "path": "/dev/sdb", "total": 500_000_000_000,
    "used": 24_500_000_000, "available": 475_500_000_000, "default": True,
}  # fmt: skip
HOST = {
    "id": 7, "name": "swift-otter", "type": "lxd", "state": "ready", "tags": ["a", "b"],
    "total": {"cores": 16, "memory": 65536, "local_storage": 500_000_000_000},
    "used": {"cores": 3, "memory": 6656, "local_storage": 24_500_000_000},
    "cpu_over_commit_ratio": 2.5, "memory_over_commit_ratio": 1.0,
    "zone": {"id": 1, "name": "default"}, "pool": {"id": 0, "name": "prod"},
    "host": {"system_id": "4y3h7n", "__incomplete__": True},
    "storage_pools": [POOL], "version": "", "resource_uri": "/MAAS/api/2.0/vm-hosts/7/",
}  # fmt: skip
MACHINE = {
    "system_id": "abc123", "hostname": "web", "status_name": "Ready", "power_state": "on", "cpu_count": 2,
    "memory": 2048, "pod": {"id": 7, "name": "swift-otter"}, "zone": {"name": "default"}, "pool": None,
    "owner": None, "ip_addresses": ["192.0.2.1", "::1"],
}  # fmt: skip
HOSTS_TABLE = """\
ID  NAME         TYPE  STATE  CORES  MEMORY GiB  STORAGE GB  CPU ×  MEMORY ×  ZONE     POOL  TAGS
 7  swift-otter  lxd   ready   3/16      6.5/64    24.5/500    2.5       1.0  default  prod  a, b
"""
POOLS_TABLE = """\
NAME  TYPE  PATH      TOTAL GB  USED GB  AVAILABLE GB  DEFAULT
fast  zfs   /dev/sdb       500     24.5         475.5  yes
"""


@pytest.mark.parametrize("option", ["--table", "-t", "--format=table"])
def test_hosts_in_a_pipe(admin: FakeServer, run: Run, option: str) -> None:
    admin.answer("GET /MAAS/api/2.0/vm-hosts/", [HOST])
    result = run("admin", "vm-hosts", "read", option)
    assert (result.exit_code, result.stdout) == (0, HOSTS_TABLE)


def test_json_is_the_default(admin: FakeServer, run: Run) -> None:
    admin.answer("GET /MAAS/api/2.0/vm-hosts/", [HOST])
    assert json.loads(run("admin", "vm-hosts", "read").stdout) == [HOST]
    assert json.loads(run("admin", "vm-hosts", "read", "--format", "json").stdout) == [HOST]
    assert run("admin", "vm-hosts", "read", "--format", "yaml").exit_code == 2


def test_machines_and_what_is_not_there() -> None:
    (table,) = tables_of(document=[MACHINE, {"system_id": "x"}], resource="machines")
    assert plain_text(table) == (
        "SYSTEM ID  HOSTNAME  STATUS  POWER  CORES  MEMORY GiB  VM HOST      ZONE     POOL  OWNER  ADDRESSES\n"
        "abc123     web       Ready   on         2           2  swift-otter  default  -     -      192.0.2.1, ::1\n"
        "x          -         -       -          -           -  -            -        -     -      -\n"
    )


def test_zones_and_pools_share_their_columns() -> None:
    for resource in ("zones", "resource-pools"):
        (table,) = tables_of(document=[{"id": 1, "name": "a", "description": ""}], resource=resource)
        assert plain_text(table) == "ID  NAME  DESCRIPTION\n 1  a     -\n"


def test_a_fabric_shows_its_vlans() -> None:
    vlan = {"id": 3, "fabric": "floor", "vid": 5, "name": "v", "space": "undefined", "mtu": 1500, "dhcp_on": True}
    fabric = {"id": 2, "name": "floor", "class_type": None, "vlans": [vlan], "description": ""}
    (table,) = tables_of(document=[fabric], resource="fabrics")
    assert plain_text(table) == "ID  NAME   CLASS  VLANS  DESCRIPTION\n 2  floor  -      v      -\n"
    _, vlans = tables_of(document=fabric, resource="fabric")
    assert plain_text(vlans) == (
        "vlans\nID  FABRIC  VID  NAME  SPACE       MTU  DHCP\n 3  floor     5  v     undefined  1500  yes\n"
    )
    subnet = {"id": 4, "name": "s", "cidr": "fd00::/64", "vlan": vlan, "space": "dmz", "dns_servers": ["::1", "::2"]}
    (table,) = tables_of(document=[subnet], resource="subnets")
    assert plain_text(table).splitlines()[1] == " 4  s     fd00::/64  floor     5  dmz    -        ::1, ::2  -"


def test_one_host_shows_its_fields_and_its_storage_pools(admin: FakeServer, run: Run) -> None:
    admin.answer("GET /MAAS/api/2.0/vm-hosts/7/", HOST)
    text = run("admin", "vm-host", "read", "7", "-t").stdout
    fields, pools = text.split("\nstorage pools\n")
    assert pools == POOLS_TABLE
    lines = dict(line.split(None, 1) for line in fields.splitlines())
    assert lines["FIELD"] == "VALUE"
    assert lines["name"] == "swift-otter"
    assert lines["zone"] == "default"
    assert lines["tags"] == "a, b"
    assert lines["version"] == "-"
    assert lines["total.cores"] == "16"
    assert lines["host.system_id"] == "4y3h7n"
    assert "total" not in lines


def test_limits_are_a_table_of_their_own() -> None:
    limits = {
        "cores": {"physical": 8, "ratio": 1.5, "limit": 12, "claimed": 3, "others": 1, "free": 8, "over": 0},
        "huge_pages": {"physical": 0, "ratio": 1.0, "limit": 0, "claimed": 0, "others": 0, "free": 0, "over": 0},
    }
    fields, table = tables_of(document={"name": "a", "limits": limits}, resource="vm-host")
    assert plain_text(fields) == "FIELD  VALUE\nname   a\n"
    assert plain_text(table) == (
        "limits\n"
        "RESOURCE    PHYSICAL  RATIO  LIMIT  CLAIMED  OTHERS  FREE  OVER BY\n"
        "cores              8    1.5     12        3       1     8        0\n"
        "huge pages         0    1.0      0        0       0     0        0\n"
    )


def test_limits_that_are_not_known_yet_are_fields() -> None:
    (fields,) = tables_of(document={"limits": {"cores": None, "memory": None}}, resource="vm-host")
    assert plain_text(fields) == "FIELD          VALUE\nlimits.cores   -\nlimits.memory  -\n"


def test_other_lists_show_their_simple_fields() -> None:
    items = [
        {"name": "a", "deep": {"x": 1}, "list": [{"y": 1}], "resource_uri": "/a/"},
        {"name": "b", "flag": False, "vlan": {"name": "untagged"}},
    ]
    (table,) = tables_of(document=items, resource="things")
    assert plain_text(table) == "NAME  FLAG  VLAN\na     -     -\nb     no    untagged\n"


def test_lists_of_scalars_and_of_nothing() -> None:
    assert plain_text(tables_of(document=["a", 1], resource="x")[0]) == "VALUE\na\n1\n"
    assert plain_text(tables_of(document=[], resource="zones")[0]) == "ID  NAME  DESCRIPTION\n"
    assert plain_text(tables_of(document=[], resource="x")[0]) == "\n"


@pytest.mark.parametrize("body", [b'"a string"', b"not JSON at all"])
def test_what_is_no_table_is_printed_as_it_came(admin: FakeServer, run: Run, body: bytes) -> None:
    admin.answer("GET /MAAS/api/2.0/zones/", body)
    assert run("admin", "zones", "read", "-t").stdout == body.decode()


def test_an_error_is_never_a_table(admin: FakeServer, run: Run) -> None:
    admin.answer("GET /MAAS/api/2.0/zones/", b'{"name": ["wrong"]}', status=400)
    result = run("admin", "zones", "read", "-t")
    assert (result.exit_code, result.stdout) == (2, '{"name": ["wrong"]}')


def test_values_cannot_command_the_terminal() -> None:
    assert cell("\x1b]0;title\x07\r\nnext") == "?]0;title???next"
    assert cell(["a", None, {"hostname": "h"}, True]) == "a, -, h, yes"
    assert cell({"nothing": "known"}) == "…"
    assert cell(2.0) == "2.0"


def test_on_a_terminal_rich_draws_without_reading_markup(capsys: pytest.CaptureFixture[str]) -> None:
    print_rich(tables_of(document={"name": "[red]x[/red]", "storage_pools": [POOL]}, resource="vm-host"))
    out = capsys.readouterr().out
    assert "[red]x[/red]" in out
    assert "storage pools" in out
    assert "─" in out
    assert "475.5" in out


def test_a_page_of_events() -> None:
    event = {"id": 4, "created": "Wed, 25 Nov. 2026 22:00:00", "level": "INFO", "type": "Machine status", "node": "x"}
    page = {"count": 1, "events": [event | {"hostname": "web", "username": "ann", "description": "web: New → Ready"}]}
    text = "\n".join(plain_text(table) for table in tables_of(document=page, resource="events"))
    assert "ID  WHEN                        LEVEL  ABOUT  WHO  WHAT" in text
    assert " 4  Wed, 25 Nov. 2026 22:00:00  INFO   web    ann  web: New → Ready" in text
