"""The profiles file: where it is, who may read it, what happens when two write."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from innkeeper.cli.address import parse_address
from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.profiles import Profile, edited_profiles, find_profile, profiles_path, read_profiles
from tests.unit.cli.fake import KEY

DESCRIPTION = {"hash": "x"}


def _profile(name: str, description: Mapping[str, object]) -> Profile:
    return Profile(name=name, address=parse_address("host:5240"), key=KEY, username="mara", description=description)


def _store(name: str, description: Mapping[str, object] = DESCRIPTION) -> None:
    with edited_profiles() as profiles:
        profiles[name] = _profile(name, description)


def test_where_the_file_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INNKEEPER_PROFILES", "/chosen/file")
    assert profiles_path() == Path("/chosen/file")
    monkeypatch.delenv("INNKEEPER_PROFILES")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/xdg")
    assert profiles_path() == Path("/xdg/innkeeper/profiles.json")
    for unset in ("", "relative"):
        monkeypatch.setenv("XDG_CONFIG_HOME", unset)
        assert profiles_path() == tmp_path / ".config/innkeeper/profiles.json"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert profiles_path() == tmp_path / ".config/innkeeper/profiles.json"


def test_only_the_owner_may_read_it(profiles: Path) -> None:
    _store("admin")
    assert stat.S_IMODE(profiles.stat().st_mode) == 0o600
    assert stat.S_IMODE(profiles.parent.stat().st_mode) == 0o700
    profiles.chmod(0o644)
    _store("other")
    assert stat.S_IMODE(profiles.stat().st_mode) == 0o600


def test_what_was_stored_is_read_back(profiles: Path) -> None:
    assert read_profiles() == {}
    _store("admin")
    assert read_profiles() == {"admin": _profile("admin", DESCRIPTION)}
    assert find_profile("admin") == _profile("admin", DESCRIPTION)
    assert find_profile("other") is None
    assert json.loads(profiles.read_text())["profiles"]["admin"]["url"] == "http://host:5240/MAAS"
    assert KEY not in repr(find_profile("admin"))


def test_a_failed_edit_changes_nothing_and_leaves_nothing(profiles: Path) -> None:
    _store("admin")
    before = profiles.read_bytes()
    with pytest.raises(TypeError):
        _store("bad", description={"not": object()})
    assert profiles.read_bytes() == before
    assert sorted(path.name for path in profiles.parent.iterdir()) == ["profiles.json", "profiles.json.lock"]


def test_a_link_stays_a_link(profiles: Path, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.json"
    profiles.parent.mkdir()
    profiles.symlink_to(target)
    _store("admin")
    assert profiles.is_symlink()
    assert "admin" in json.loads(target.read_text())["profiles"]


def test_edits_at_the_same_time_lose_nothing() -> None:
    names = [f"profile-{number}" for number in range(12)]
    threads = [threading.Thread(target=_store, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read_profiles()) == sorted(names)


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"profiles": {"a": {}}}', '{"profiles": {"a": {"url": "", "key": ""}}}']
)
def test_a_file_that_makes_no_sense_is_named(profiles: Path, content: str) -> None:
    profiles.parent.mkdir()
    profiles.write_text(content)
    with pytest.raises(CommandFailed, match=r"profiles\.json cannot be understood") as caught:
        read_profiles()
    assert "log in again" in caught.value.resolution


def test_a_place_that_cannot_be_read_or_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("INNKEEPER_PROFILES", str(tmp_path / "file" / "profiles.json"))
    with pytest.raises(CommandFailed, match="Cannot read the profiles in"):
        read_profiles()
    with pytest.raises(CommandFailed, match="Cannot write the profiles in") as caught:
        _store("admin")
    assert "INNKEEPER_PROFILES" in caught.value.resolution
