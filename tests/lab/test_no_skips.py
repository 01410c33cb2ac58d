"""`make test` lets no test be skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LAB = Path(__file__).parents[2] / "lab"
FINE = "import pytest\ndef test_passes(): pass\n@pytest.mark.xfail\ndef test_fails_as_expected(): assert False\n"
SKIPPED = "import pytest\ndef test_skips(): pytest.skip()\n"
MODULE = "import pytest\npytest.importorskip('no_such_module')\n"


def run(where: Path, *options: str) -> tuple[int, str]:
    (where / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no_skips", "-p", "no:cacheprovider", *options, str(where)]
    environment = {**os.environ, "PYTHONPATH": str(LAB)}
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, timeout=100)
    return done.returncode, done.stdout


@pytest.mark.parametrize("options", [[], ["-n", "1"]], ids=["one process", "workers"])
def test_a_skip_is_a_failure(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "test_fine.py").write_text(FINE)
    (tmp_path / "test_skipped.py").write_text(SKIPPED)
    (tmp_path / "test_module.py").write_text(MODULE)
    code, output = run(tmp_path, *options)
    assert code == 1
    told = output.split("a skip is a failure here")[1]
    assert "test_skipped.py::test_skips" in told
    assert "test_module.py" in told
    assert "test_fine.py" not in told


def test_no_skip_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "test_fine.py").write_text(FINE)
    assert run(tmp_path)[0] == 0
