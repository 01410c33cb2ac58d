"""`innkeeper image`, and `maas PROFILE boot-resources create` as MAAS's own command line does it: on a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from streams import Product, Serving, build, serving

from innkeeper.cli import image_upload
from innkeeper.cli.entry import program
from tests.kit.disks import METADATA, archive, qcow2, unified
from tests.kit.server import Server

Run = Callable[..., str]


@pytest.fixture
def run(shared_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The program, logged in as administrator; what it prints."""
    monkeypatch.setenv("INNKEEPER_PROFILES", str(tmp_path / "profiles.json"))

    def call(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(program, words, prog_name="innkeeper")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output

    call("login", "admin", f"{shared_server.base}/MAAS", shared_server.key())
    return call


@pytest.fixture
def clean(run: Run) -> Iterator[None]:
    """No image before and after."""
    yield
    for one in json.loads(run("image", "list", "--format", "json")):
        run("image", "delete", str(one["id"]))


@pytest.mark.usefixtures("clean")
def test_an_image_is_added_listed_and_deleted(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_upload, "PIECE", 1000)  # so that there are several
    file = tmp_path / "jammy.tar.gz"
    file.write_bytes(unified(salt=b"x" * 5000))
    assert run("image", "add", str(file), "--title", "Jammy") == "custom/jammy for amd64/generic is there.\n"
    assert run("image", "list").split("\n")[1].split() == [
        "1", "custom/jammy", "amd64/generic", "Jammy", "Uploaded", "yes", "-",
    ]  # fmt: skip
    run("admin", "vm-hosts", "create", "type=simulated", "power_address=alpha", "name=alpha")
    assert run("image", "push", "jammy", "alpha") == "alpha has custom/jammy.\n"
    assert "there is no VM host 'beta'" in run("image", "push", "jammy", "beta", code=2)
    assert run("image", "delete", "jammy") == "custom/jammy for amd64/generic is deleted.\n"
    assert "There is no image 'jammy'" in run("image", "delete", "jammy", code=2)


@pytest.mark.usefixtures("clean")
def test_metadata_and_disk(run: Run, tmp_path: Path) -> None:
    told, disk = tmp_path / "lxd.tar.xz", tmp_path / "disk.img"
    told.write_bytes(archive({"metadata.yaml": METADATA}, mode="w:xz"))
    disk.write_bytes(qcow2(salt=b"split"))
    said = run("image", "add", str(disk), "--metadata", str(told), "--name", "debian/12", "--arch", "amd64")
    assert said == "debian/12 for amd64/generic is there.\n"
    (one,) = json.loads(run("image", "list", "--format", "json"))
    assert one["complete"] is True


@pytest.mark.usefixtures("clean")
def test_an_alias_and_what_is_refused(run: Run, tmp_path: Path) -> None:
    assert run("image", "add", "--alias", "jammy-vm", "--name", "ubuntu/jammy") == (
        "ubuntu/jammy is what hosts have as jammy-vm.\n"
    )
    assert "a FILE, or an --alias" in run("image", "add", code=2)
    wrong = tmp_path / "notes.txt"
    wrong.write_text("no image")
    assert "no image of a virtual machine" in run("image", "add", str(wrong), code=2)
    assert "name: " in run("image", "add", str(wrong), "--name", "a/b/c", code=2)


@pytest.mark.usefixtures("clean")
def test_create_with_a_file_sends_it_in_pieces(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_upload, "PIECE", 1000)
    file = tmp_path / "tiny.tar"
    file.write_bytes(unified())
    words = ("name=custom/tiny", "architecture=amd64/generic", "filetype=tgz", "base_image=ubuntu/noble")
    made = json.loads(run("admin", "boot-resources", "create", *words, f"content@={file}"))
    assert (made["name"], made["complete"]) == ("custom/tiny", True)
    file.write_bytes(archive({"etc/passwd": b"root"}))
    assert "no metadata.yaml" in run("admin", "boot-resources", "create", *words, f"content@={file}", code=2)
    alias = run("admin", "boot-resources", "create", "name=theirs", "architecture=amd64", "alias=jammy")
    assert json.loads(alias)["type"] == "Alias"


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Serving]:
    told = archive({"metadata.yaml": METADATA}, mode="w:xz")
    build(
        tmp_path / "tree",
        Product("ubuntu", "noble", "24.04 LTS", {"lxd.tar.xz": told, "disk1.img": qcow2()}),
        Product("ubuntu", "core", "Core", {"squashfs": b"hsqs"}),
    )
    with serving(tmp_path / "tree") as one:
        yield one


@pytest.mark.usefixtures("clean")
def test_a_tree_is_fetched(run: Run, tree: Serving) -> None:
    assert "--source" in run("image", "sync", "ubuntu/noble", code=2)
    assert run("image", "sync", "ubuntu/noble", "--source", tree.address) == "All that is selected is there.\n"
    assert run("image", "sync") == "All that is selected is there.\n"
    (one,) = json.loads(run("image", "list", "--format", "json"))
    assert (one["name"], one["type"]) == ("ubuntu/noble", "Synced")
    assert "no disk of a virtual machine, only squashfs" in run("image", "sync", "ubuntu/core", code=2)
