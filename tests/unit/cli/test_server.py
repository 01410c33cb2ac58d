"""The server's own commands, against the contracts of `serve` and `accounts` with the real settings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import innkeeper
from innkeeper.errors import Misconfigured
from innkeeper.settings import Settings
from tests.unit.cli.conftest import Run


class Calls(list[tuple[Settings, dict[str, Any]]]):
    """What the server was told to do, and what it answers."""

    answer: Callable[[], Any] = staticmethod(lambda: None)

    def take(self, settings: Settings, **words: Any) -> Any:
        self.append((settings, words))
        return self.answer()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Calls:
    """Stands in for both modules: starting the real server is not this directory's business."""
    calls = Calls()
    for name, functions in (("serve", ("up",)), ("accounts", ("create_admin", "api_keys"))):
        module = ModuleType(f"innkeeper.{name}")
        vars(module).update(dict.fromkeys(functions, calls.take))
        monkeypatch.setitem(sys.modules, f"innkeeper.{name}", module)
        monkeypatch.setattr(innkeeper, name, module, raising=False)
    monkeypatch.chdir(tmp_path)  # no .env from where the tests are started
    for name in ("HOST", "PORT", "DATA", "DATABASE", "DEMO_FLEET"):
        monkeypatch.delenv(f"INNKEEPER_{name}", raising=False)
    return calls


@pytest.mark.parametrize("program_name", ["innkeeper", "maas"])
def test_up_takes_its_settings_from_options(calls: Calls, run: Run, program_name: str, tmp_path: Path) -> None:
    words = [
        "--host",
        "::",
        "--port",
        "8080",
        "--data",
        str(tmp_path),
        "--database",
        "postgresql://x/y",
    ]
    result = run("up", *words, program_name=program_name)
    assert (result.exit_code, result.output) == (0, "")
    ((settings, words_given),) = calls
    assert words_given == {}
    assert (settings.host, settings.port, settings.data) == ("::", 8080, tmp_path)
    assert settings.database == "postgresql://x/y"


def test_up_without_options_leaves_all_to_the_settings(calls: Calls, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNKEEPER_PORT", "7777")
    assert run("up").exit_code == 0
    assert run("up", "--port", "8888").exit_code == 0
    assert [settings.port for settings, _ in calls] == [7777, 8888]
    assert calls[0][0] == Settings()


def test_settings_that_are_wrong_are_named(calls: Calls, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNKEEPER_PORT", "many")
    result = run("up")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: The settings are not right.\nport: ")
    assert calls == []
    assert run("up", "--port", "99999").exit_code == 2


def test_errors_of_the_server_show_their_three_parts(calls: Calls, run: Run) -> None:
    def refuse() -> None:
        raise Misconfigured("Wrong key file.", details="It opens nothing.", resolution="Bring the right one.")

    calls.answer = refuse
    result = run("up")
    assert result.exit_code == 2
    assert result.stderr == "Error: Wrong key file.\nIt opens nothing.\nBring the right one.\n"


def test_an_interrupt_of_the_server_is_quiet(calls: Calls, run: Run) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    calls.answer = interrupt
    result = run("up")
    assert (result.exit_code, result.stderr.strip()) == (130, "")


@pytest.mark.parametrize("program_name", ["innkeeper", "maas"])
def test_createadmin_passes_what_was_given(calls: Calls, run: Run, program_name: str, tmp_path: Path) -> None:
    words = ["--username", "mara", "--password", "pass word", "--email", "m@example.com", "--data", str(tmp_path)]
    result = run("createadmin", *words, program_name=program_name)
    assert (result.exit_code, result.stderr) == (0, "")
    ((settings, given),) = calls
    assert settings.data == tmp_path
    assert given == {"username": "mara", "password": "pass word", "email": "m@example.com"}


def test_createadmin_reads_a_password_from_standard_input(calls: Calls, run: Run) -> None:
    assert run("createadmin", "--username", "mara", "--password", "-", stdin="s3 cret \n").exit_code == 0
    assert calls[0][1] == {"username": "mara", "password": "s3 cret ", "email": ""}


@pytest.mark.parametrize(
    ("given", "missing"), [(["--username", "mara"], "Password"), (["--password", "x"], "Username"), ([], "Username")]
)
def test_createadmin_without_a_terminal_names_what_is_missing(
    calls: Calls, run: Run, given: list[str], missing: str
) -> None:
    result = run("createadmin", *given)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {missing} is missing.\nGive it with --{missing.lower()}.\n"
    assert calls == []


def test_createadmin_on_a_terminal_asks_twice_for_the_password(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    from innkeeper.cli import server

    typed = iter(["mara", "one", "two", "same", "same"])
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: next(typed))
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: next(typed))
    server.createadmin.main([], standalone_mode=False)
    assert calls[0][1] == {"username": "mara", "password": "same", "email": ""}


def test_apikey_prints_the_keys(calls: Calls, run: Run, tmp_path: Path) -> None:
    calls.answer = lambda: ["a:b:c", "d:e:f"]
    result = run("apikey", "--username", "mara", "--data", str(tmp_path))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "a:b:c\nd:e:f\n", "")
    ((settings, given),) = calls
    assert settings.data == tmp_path
    assert given == {"username": "mara", "generate": False, "delete": None}


def test_apikey_makes_and_deletes(calls: Calls, run: Run) -> None:
    calls.answer = lambda: []
    assert run("apikey", "--username", "mara", "--generate").exit_code == 0
    assert run("apikey", "--username", "mara", "--delete", "a:b:c").exit_code == 0
    assert [given for _, given in calls] == [
        {"username": "mara", "generate": True, "delete": None},
        {"username": "mara", "generate": False, "delete": "a:b:c"},
    ]
    both = run("apikey", "--username", "mara", "--generate", "--delete", "a:b:c")
    assert both.exit_code == 2
    assert "cannot be used together" in both.stderr
    assert run("apikey").exit_code == 2
    assert len(calls) == 2


def test_up_leaves_the_administrator_to_a_page_when_told(calls: Calls, run: Run) -> None:
    assert run("up").exit_code == run("up", "--no-admin").exit_code == 0
    assert [settings.first_admin for settings, _ in calls] == [True, False]
