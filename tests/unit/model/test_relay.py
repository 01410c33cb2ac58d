"""The pure parts of what processes of one installation say to one another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.model import relay
from innkeeper.model.relay import GOOD_FOR, Call, Nonces, Pass

CALL = Call(process="p1", system_id="abc123", owner_id=3)
PASS = Pass(at="1000.500", nonce="0" * 32, signature="f" * 64)


def test_a_pass_is_read_as_it_was_written() -> None:
    assert relay.read_pass(PASS.header) == PASS


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Innkeeper",
        f"innkeeper {PASS.header.split()[1]}",
        PASS.header + "\n",
        PASS.header[:-1],
        PASS.header.replace(".500", "."),
        PASS.header.replace("1000", "nan"),
        'OAuth oauth_token="x"',
    ],
)
def test_what_is_no_pass(header: str) -> None:
    assert relay.read_pass(header) is None


def test_whatever_a_call_says_is_signed() -> None:
    """Another process, machine, owner, moment or nonce: another text; and a call is no answer."""
    calls = [CALL, replace(CALL, process="p2"), replace(CALL, system_id="x"), replace(CALL, owner_id=None)]
    texts = {PASS.signed_text(one) for one in calls} | {PASS.answered_text(one) for one in calls}
    texts |= {replace(PASS, at="1000.501").signed_text(CALL), replace(PASS, nonce="1" * 32).signed_text(CALL)}
    assert len(texts) == 10


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_two_calls_have_one_path(process: str, system_id: str) -> None:
    path = Call(process=process, system_id=system_id, owner_id=None).path
    assert path.count("/") == 4
    if (process, system_id) != ("p1", "abc123"):
        assert path != replace(CALL, owner_id=None).path


def test_a_pass_is_good_for_a_moment_and_once() -> None:
    def taken(at: float) -> bool:
        return Nonces().take(PASS, now=at)

    assert [taken(1000.5 + late) for late in (-GOOD_FOR, 0, GOOD_FOR)] == [True] * 3
    assert [taken(1000.5 + late) for late in (-GOOD_FOR - 1, GOOD_FOR + 1)] == [False] * 2
    nonces = Nonces()
    assert [nonces.take(PASS, now=1000.5) for _ in range(2)] == [True, False]
    assert nonces.take(replace(PASS, nonce="1" * 32), now=1000.5)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 20)), max_size=30))
def test_no_pass_is_taken_twice_whenever_it_comes(shown: list[tuple[int, float]]) -> None:
    nonces, now, taken = Nonces(), 0.0, list[int]()
    for number, later in shown:
        now += later
        if nonces.take(Pass(at="30.0", nonce=f"{number:032x}"), now=now):
            taken.append(number)
    assert len(taken) == len(set(taken))


@pytest.mark.parametrize(
    ("chosen", "our_end", "listens", "expected"),
    [
        ("", "10.0.0.2", "127.0.0.1", "http://127.0.0.1:5240"),
        ("", "10.0.0.2", "192.0.2.7", "http://192.0.2.7:5240"),
        ("", "10.0.0.2", "inn.example", "http://inn.example:5240"),
        ("", "10.0.0.2", "2001:db8::1", "http://[2001:db8::1]:5240"),
        ("", "10.0.0.2", "0.0.0.0", "http://10.0.0.2:5240"),
        ("", "2001:db8::2", "::", "http://[2001:db8::2]:5240"),
        ("", "10.0.0.2", "::", ""),
        ("", "2001:db8::2", "0.0.0.0", ""),
        ("", "", "0.0.0.0", "http://127.0.0.1:5240"),
        ("", "", "::", "http://[::1]:5240"),
        ("https://inn2.example/", "10.0.0.2", "0.0.0.0", "https://inn2.example"),
    ],
)
def test_where_a_process_is_reached(chosen: str, our_end: str, listens: str, expected: str) -> None:
    assert relay.address(chosen=chosen, our_end=our_end, listens=listens, port=5240) == expected


@given(st.binary(min_size=200, max_size=300), st.integers(0, 100), st.integers(100, 300))
def test_of_what_is_told_anew_only_the_rest_is_unseen(stream: bytes, start: int, upto: int) -> None:
    """Or all of it, where the place is not certain: nothing is ever left out."""
    told, seen = stream[start:], stream[:upto]
    rest = relay.unseen(seen, told)
    assert told.endswith(rest)
    assert len(rest) >= len(stream) - len(seen)


def test_of_a_boot_that_was_seen_to_the_middle_the_rest_is_unseen() -> None:
    lines = [f"[{number:8}.0] line {number}\n".encode() for number in range(200)]
    assert relay.unseen(b"".join(lines[:120]), b"".join(lines[20:])) == b"".join(lines[120:])
    assert relay.unseen(b"", b"login: ") == b"login: "
    assert relay.unseen(b"$ ", b"$ ls\r\n$ ") == b"$ ls\r\n$ ", "too little to be found again"
    assert relay.unseen(b"".join(lines[:120]), b"another boot") == b"another boot"
