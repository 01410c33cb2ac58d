"""The pages say what is so: settings, make targets, commands, links."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from innkeeper.settings import Settings
from tests.kit.pages import FIRST_HOST, README, ROOT, SETTINGS, blocks, rows, shell

PAGES = [README, *ROOT.glob("docs/**/*.md"), ROOT / "CHANGELOG.md"]


def settings_rows() -> list[tuple[str, ...]]:
    """Variable, default and meaning of every setting, as a page should show them."""
    found = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"{field.default}".replace(str(Path.home()), "~")
        found.append((f"INNKEEPER_{name.upper()}", default.removesuffix(".0"), field.description or "?"))
    return found


def test_the_page_of_settings_is_complete() -> None:
    assert rows(SETTINGS, "variable") == settings_rows()


def test_the_readme_shows_settings_that_are_there() -> None:
    shown = rows(README, "variable")
    assert len(shown) >= 5
    assert set(shown) <= set(settings_rows())


def test_the_readme_names_every_make_target() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"help"}
    assert {row[0].removeprefix("make ") for row in rows(README, "target")} == targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_and_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_pictures_are_small() -> None:
    pictures = [*ROOT.glob("docs/images/*")]
    assert len(pictures) == 4
    for one in pictures:
        assert one.suffix == ".png"
        assert one.stat().st_size < 200_000, one.name
        assert f"docs/images/{one.name}" in README.read_text()


def test_the_demo_shows_the_storage_table_of_the_readme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "lab"))
    table: str = importlib.import_module("demo_steps").STORAGE_TABLE
    printed = next(block.text for block in blocks(README) if block.text.startswith("maas admin vm-host read 5"))
    assert table.replace("$VM_HOST_ID", "5") == printed


def test_the_storage_table_is_the_missions_with_its_slips_mended() -> None:
    printed = (
        "maas admin vm-host read 5 \\\n"
        '| jq -r \'(["NAME","TYPE","PATH","TOTAL","USED","AVAIL"]) \n'
        '| (,. map(length*"-"))), (.storage_pools[] \n'
        "| [.name, .type, .path, .total, used, .available]) | @tsv' \\\n"
        "| column -t"
    )
    mended = printed.replace('"AVAIL"])', '"AVAIL"]').replace("(,. map", "(., map").replace(", used,", ", .used,")
    shown = next(block.text for block in blocks(README) if block.text.startswith("maas admin vm-host read 5"))
    assert shown.split() == mended.split()


def test_the_guide_tells_four_ways_to_be_trusted() -> None:
    ways = ("By a token", "By its certificate", "By a certificate of your own", "By the trust password")
    for way in ways:
        assert "maas admin vm-hosts create type=lxd name=rack1 power_address=192.0.2.10" in shell(FIRST_HOST, way)
