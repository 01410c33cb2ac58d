"""From a describe document to command names, and its texts to help."""

from __future__ import annotations

from typing import Any

import pytest

from innkeeper.cli.describe import command_name, read_resources
from innkeeper.cli.doctext import read_doc
from innkeeper.cli.failures import CommandFailed
from tests.unit.cli.fake import COMPOSE_DOC, describe


@pytest.mark.parametrize(
    ("handler", "command"),
    [
        ("VmHostsHandler", "vm-hosts"),
        ("VmHostHandler", "vm-host"),
        ("PodHandler", "pod"),
        ("ResourcePoolsHandler", "resource-pools"),
        ("DNSResourceRecordsHandler", "dnsresource-records"),
        ("IPRangesHandler", "ipranges"),
        ("SSHKeysHandler", "sshkeys"),
        ("BcacheCacheSetHandler", "bcache-cache-set"),
        ("MaasHandler", "maas"),
        ("AnonFilesHandler", "files"),
    ],
)
def test_command_names(handler: str, command: str) -> None:
    assert command_name(handler) == command


def test_resources_and_actions() -> None:
    resources = read_resources(describe())
    assert set(resources) >= {"vm-hosts", "vm-host", "pod", "machines", "machine", "zones", "version"}
    host = resources["vm-host"]
    assert (host.path, host.params) == ("/MAAS/api/2.0/vm-hosts/{id}/", ("id",))
    assert set(host.actions) == {"read", "update", "delete", "compose", "add-tag", "parameters"}
    tag, update = host.actions["add-tag"], host.actions["update"]
    assert (tag.method, tag.op) == ("POST", "add_tag")
    assert (update.method, update.op) == ("PUT", "")
    assert resources["version"].path == "/MAAS/api/2.0/version/"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"resources": None},
        {"resources": [{"auth": None, "anon": None}]},
        {"resources": [{"auth": {"name": "XHandler"}, "anon": None}]},
        {"resources": [{"auth": {"name": "XHandler", "path": "/", "params": [], "actions": [{}]}, "anon": None}]},
        [],
    ],
)
def test_documents_of_another_shape_are_refused(document: Any) -> None:
    with pytest.raises(CommandFailed, match="description of its API cannot be understood"):
        read_resources(document)


def test_a_doc_is_taken_apart() -> None:
    doc = read_doc(COMPOSE_DOC)
    assert doc.summary == "Compose a virtual machine on this host."
    assert doc.paragraphs == (doc.summary, "The machine exists when the answer comes.")
    assert doc.parameters == (
        ("cores", "(Optional) Number of cores, 1 by default. [integer]"),
        ("memory", "MiB."),
    )


def test_docs_that_hold_little() -> None:
    assert read_doc("").summary == ""
    assert read_doc(":param id: The id.").parameters == (("id", "The id."),)
    typed = read_doc("Do.\n\n:param int id: The id.\n\nAfter.")
    assert typed.parameters == (("id", "The id."),)
    assert typed.paragraphs == ("Do.", "After.")
