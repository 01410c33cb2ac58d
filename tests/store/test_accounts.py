"""What belongs to users, tags, settings and the pages of events, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from innkeeper.errors import Conflict, Invalid, NotFound
from innkeeper.settings import Settings
from innkeeper.store import configuration, devices, events, files, machines, node_events, tags, users
from innkeeper.store.database import Database, Write
from innkeeper.store.events import Event
from innkeeper.store.machines import Filter
from innkeeper.store.node_events import Level
from innkeeper.store.opening import open_store
from innkeeper.store.secrets import Cipher
from innkeeper.store.visibility import Viewer

MAC = "00:16:3e:00:00:{:02x}"


class Store:
    def __init__(self, database: Database, cipher: Cipher) -> None:
        self.database, self.cipher = database, cipher
        self.ann = database.transact(users.create, username="ann", password="x")

    def device(self, number: int = 1, **more: object) -> str:
        """A device of ann's; its system_id."""

        def make(write: Write) -> str:
            return devices.create(write, macs=(MAC.format(number),), owner_id=self.ann.id, **more).system_id  # type: ignore[arg-type]

        return self.database.transact(make)

    def names(self, system_id: str) -> tuple[str, ...]:
        return self.database.ask(machines.find, system_id).tags


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[Store]:
    database, cipher, _ = open_store(Settings(data=tmp_path, database=database_url))
    yield Store(database, cipher)
    database.close()


def test_a_tag_follows_its_name_and_only_its_name(store: Store) -> None:
    one, two, database = store.device(1), store.device(2), store.database
    for name in ("web", "WEB", "we_b", "weXb"):
        database.transact(tags.create, name=name)
    for name in ("web", "WEB", "weXb"):
        database.transact(tags.put, name, on=[one], off=[])
    database.transact(tags.put, "we_b", on=[one, two], off=[])
    database.transact(tags.update, database.ask(tags.find, "we_b"), name="front")
    assert (store.names(one), store.names(two)) == (("web", "WEB", "weXb", "front"), ("front",))
    database.transact(tags.delete, database.ask(tags.find, "WEB"))
    assert store.names(one) == ("web", "weXb", "front")
    assert [each.name for each in database.ask(tags.listing)] == ["front", "weXb", "web"]
    with pytest.raises(Conflict):
        database.transact(tags.create, name="web")


def test_tags_put_on_one_machine_at_once_are_all_there(store: Store) -> None:
    one, start = store.device(), threading.Barrier(8)
    for number in range(8):
        store.database.transact(tags.create, name=f"t{number}")

    def put(number: int) -> None:
        start.wait()
        store.database.transact(tags.put, f"t{number}", on=[one], off=[])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(put, range(8)))
    assert sorted(store.names(one)) == [f"t{number}" for number in range(8)]


def test_files_of_two_users(store: Store) -> None:
    database, cipher = store.database, store.cipher
    bob = database.transact(users.create, username="bob", password="x")
    for owner, content in ((store.ann, b"\0a"), (bob, b"b"), (store.ann, b"c")):
        database.transact(files.put, cipher, owner_id=owner.id, filename="state", content=content)
    found, content = database.ask(files.find, cipher, owner_id=store.ann.id, filename="state")
    assert content == b"c"
    assert database.ask(files.by_key, cipher, key=found.key)[1] == b"c"
    assert [each.filename for each in database.ask(files.listing, owner_id=bob.id, prefix="st")] == ["state"]
    database.transact(files.delete, owner_id=store.ann.id, filename="state")
    with pytest.raises(NotFound):
        database.ask(files.find, cipher, owner_id=store.ann.id, filename="state")
    assert database.ask(files.find, cipher, owner_id=bob.id, filename="state")[1] == b"b"


def test_a_user_leaves_what_they_own(store: Store) -> None:
    database, one = store.database, store.device()
    with pytest.raises(Conflict, match="ann owns machine"):
        database.transact(users.delete, username="ann")
    database.transact(users.create, username="bob", password="x")
    database.transact(users.delete, username="ann", heir="bob")
    assert database.ask(machines.find, one).owner == "bob"


def test_devices_go_with_their_machine(store: Store) -> None:
    parent = store.device(1)
    child, other = store.device(2, parent=parent), store.device(3)
    store.database.transact(machines.delete, parent)
    assert [store.database.ask(machines.gone, each) for each in (parent, child, other)] == [True, True, False]
    assert store.database.ask(machines.listing) == []
    assert [each.system_id for each in store.database.ask(machines.listing, Filter(devices=True))] == [other]


def test_pages_of_events(store: Store) -> None:
    database, one, two = store.database, store.device(1), store.device(2, hostname="box2")

    def tell(write: Write) -> None:
        for kind, state, system_id in (
            ("machine", "", one),
            ("machine", "Failed com", two),
            ("operation", "failed", two),
            ("operation", "undoing", two),
            ("operation", "running", two),
            ("audit", "", two),
        ):
            step = "a step" if state == "running" else ""
            events.add(write, Event(kind=kind, what="x", system_id=system_id, state=state, step=step, actor="ann"))

    database.transact(tell)

    def levels(**which: object) -> list[Level]:
        return [each.level for each in database.ask(node_events.page, **{"limit": 100, **which})]  # type: ignore[arg-type]

    assert levels() == [Level.WARNING, Level.ERROR, Level.ERROR, Level.INFO]
    assert levels(level=Level.DEBUG)[0] == Level.DEBUG
    assert levels(level=Level.ERROR, nodes=Filter(hostnames=("box2",), devices=None)) == [Level.ERROR, Level.ERROR]
    assert levels(level=Level.AUDIT) == [Level.AUDIT]
    assert levels(level=Level.AUDIT, seen_by=Viewer(user_id=store.ann.id, username="ann")) == []
    assert levels(nodes=Filter(nothing=True)) == []
    assert levels(username="bob") == []
    newest, oldest = database.ask(node_events.page, limit=1)[0], database.ask(node_events.page, limit=1, after=0)[0]
    assert (newest.hostname, oldest.node) == ("box2", one)
    assert [each.id for each in database.ask(node_events.page, limit=9, before=newest.id)][-1] == oldest.id


def test_settings_that_are_set(store: Store) -> None:
    database = store.database
    assert database.ask(configuration.default_image, "a/b") == "a/b"
    database.transact(configuration.put, configuration.SERIES, "noble")
    assert database.ask(configuration.default_image, "a/b") == "noble"
    for value in ("debian", "ubuntu"):
        database.transact(configuration.put, configuration.OSYSTEM, value)
    assert database.ask(configuration.default_image, "a/b") == "ubuntu/noble"


def test_a_user_is_called_so_that_addresses_can_name_them(store: Store) -> None:
    for name in (".", "..", "", "a b", "a\0", "a/b", ".\n", "x" * 151):
        with pytest.raises(Invalid, match="username"):
            store.database.transact(users.create, username=name, password="x")
    store.database.transact(users.create, username="...", password="x")


def test_an_e_mail_is_one_line_that_every_database_keeps(store: Store) -> None:
    for email in ("a\0b", "a\x1b[31m", "a\nb", "x" * 255):
        with pytest.raises(Invalid, match="email"):
            store.database.transact(users.create, username="ben", password="x", email=email)
        with pytest.raises(Invalid, match="email"):
            store.database.transact(users.update, id=store.ann.id, email=email, is_admin=True)
