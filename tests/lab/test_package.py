"""What is given to people: an archive and a wheel with what browsers load, which run where there is no node."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.server import free_port
from tests.kit.until import until

ROOT = Path(__file__).parents[2]
STATIC = "innkeeper/web/static/"
OF_OTHERS = ("vanilla-framework", "htmx.org", "@xterm/xterm", "@xterm/addon-fit", "@fontsource-variable/ubuntu-sans")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def run(*command: str | Path, at: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """What a command says, which must go well."""
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, check=False, cwd=at, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The archive, and the wheel that is made of the archive, not of this directory."""
    out = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "venv", out / "maker")
    pip = (out / "maker" / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "-q")
    run(*pip, "install", "hatchling")
    run(out / "maker" / "bin" / "hatchling", "build", "-t", "sdist", "-d", out)
    (archive,) = out.glob("innkeeper-*.tar.gz")
    run(*pip, "wheel", "--no-deps", "-w", out, archive)
    (wheel,) = out.glob("innkeeper-*.whl")
    return archive, wheel


def loaded() -> set[str]:
    """What browsers load, as it was built here."""
    return {one.name for one in (ROOT / "src" / STATIC).iterdir()} - {"stamp"}


def test_git_has_none_of_what_browsers_load() -> None:
    assert run("git", "ls-files", f"src/{STATIC}") == ""
    assert {"manifest.json", "NOTICES.txt"} <= loaded()


def test_archive_and_wheel_have_all_of_it(built: tuple[Path, Path]) -> None:
    archive, wheel = built
    with tarfile.open(archive) as tar:
        packed = {name.partition(f"src/{STATIC}")[2] for name in tar.getnames() if f"src/{STATIC}" in name}
    assert loaded() <= packed
    with zipfile.ZipFile(wheel) as files:
        inside = {name.removeprefix(STATIC) for name in files.namelist() if name.startswith(STATIC)}
        assert loaded() <= inside
        notices = files.read(f"{STATIC}NOTICES.txt").decode()
        assert any(name.endswith("/LICENSE") for name in files.namelist())
    for name in OF_OTHERS:
        part = re.search(rf"^{re.escape(name)} [\d.]+ \(.+\)\n\n(.+)", notices, re.MULTILINE)
        assert part, f"no licence of {name}"


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of the wheel, in a venv of its own; nothing but that is on its PATH."""
    place = tmp_path_factory.mktemp("place")
    run(sys.executable, "-m", "venv", place / "venv")
    python = place / "venv" / "bin" / "python"
    pip = (python, "-m", "pip", "--disable-pip-version-check", "-q")
    run(*pip, "install", "--require-hashes", "-r", ROOT / "requirements.lock")
    run(*pip, "install", "--no-deps", built[1])
    run(*pip, "check")
    port = free_port()
    path = str(python.parent)
    assert shutil.which("node", path=path) is None
    env = {"PATH": path, "HOME": str(place), "INNKEEPER_DATA": str(place / "data"), "INNKEEPER_PORT": str(port)}
    where = run(python, "-c", "import innkeeper; print(innkeeper.__file__)", at=place, env=env)
    assert where.startswith(str(place))
    with (place / "log").open("wb") as log:
        server = subprocess.Popen([python.parent / "innkeeper", "up"], env=env, cwd=place, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


_straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy of this machine


def got(address: str) -> tuple[str, str]:
    """The text of an answer, and its type."""
    with _straight.open(address, timeout=10) as answer:
        return answer.read().decode(errors="replace"), answer.headers["Content-Type"]


async def test_a_page_of_the_wheel_loads_without_node(installed: str) -> None:
    async def up() -> bool:
        try:
            return bool(got(f"{installed}/readyz"))
        except OSError:
            return False

    await until(up, within=60, what="the server of the wheel")
    page, _ = got(f"{installed}/sign-in")
    assert "<h1" in page
    names = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert {name.rpartition(".")[2] for name in names} >= {"css", "js", "svg", "woff2"}
    for name in names:
        assert got(f"{installed}{name}")[0]
    notices, kind = got(f"{installed}/static/NOTICES.txt")
    assert kind.startswith("text/plain")
    assert "vanilla-framework" in notices
