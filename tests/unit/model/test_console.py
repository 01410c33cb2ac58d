"""The pure parts of consoles: the ring, a viewer's queue, text without codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.model.console import Notice, Queue, Ring, Word, last_lines, plain, retold

PIECES = st.lists(st.binary(max_size=12), max_size=30)


@given(PIECES, st.integers(1, 40))
def test_a_ring_keeps_the_end_by_whole_lines(pieces: list[bytes], size: int) -> None:
    ring = Ring(size)
    for piece in pieces:
        ring.add(piece)
    whole = b"".join(pieces)
    kept = ring.read()
    assert whole.endswith(kept)
    if len(whole) <= size:
        assert kept == whole
    else:
        end = whole[-size:]
        assert kept == (end.split(b"\n", 1)[1] if b"\n" in end else end)
    ring.clear()
    assert ring.read() == b""


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=12), st.none()), max_size=40), st.integers(1, 30))
def test_a_slow_viewer_gets_the_newest_text_every_notice_and_the_number_of_bytes_lost(
    pieces: list[bytes | None], limit: int
) -> None:
    queue, notices = Queue(limit), 0
    for piece in pieces:
        if piece is None:
            notices += 1
        queue.put(Notice(word=Word.WAITING, text=str(notices)) if piece is None else piece)
    text, told, lost = b"", [], 0
    while (taken := queue.take()) is not None:
        if isinstance(taken, bytes):
            text += taken
        elif taken.word is Word.DROPPED:
            lost += int(taken.text.split()[0])
        else:
            told.append(int(taken.text))
    whole = b"".join(piece for piece in pieces if piece)
    assert text == whole[max(0, len(whole) - limit) :]
    assert lost == len(whole) - len(text)
    assert told == list(range(1, notices + 1))


def test_what_is_put_while_one_reads_stays_in_order() -> None:
    queue = Queue(4)
    queue.put(b"ab")
    assert queue.take() == b"ab"
    queue.put(b"cd")
    queue.put(Notice(word=Word.OPENED, text="x"))
    queue.put(b"efg")
    assert queue.take() == Notice(
        word=Word.DROPPED, text="1 bytes were left out here: you read slower than the machine prints."
    )
    assert [queue.take() for _ in range(4)] == [b"d", Notice(word=Word.OPENED, text="x"), b"efg", None]


@given(st.text())
def test_plain_text_has_nothing_that_steers_a_terminal(text: str) -> None:
    shown = plain(text.encode("utf-8", "surrogatepass"))
    assert not [letter for letter in shown if (ord(letter) < 32 and letter not in "\n\t") or 0x7F <= ord(letter) < 0xA0]


@pytest.mark.parametrize(
    "question",
    [
        b"\x1b[6n", b"\x1b[5n", b"\x1b[?6n", b"\x1b[c", b"\x1b[0c", b"\x1b[>c", b"\x1b[=0c", b"\x1bZ", b"\x05",
        b"\x1b[?2004$p", b"\x1b[18t", b"\x1b[x", b"\x1b[>q", b"\x1b[>0q", b"\x1b[?u", b"\x1b]11;?\x07",
        b"\x1b]4;1;?\x1b\\", b"\x1b]52;c;?\x07", b"\x1bP$qm\x1b\\", b"\x1bP+q544e\x1b\\",
    ],
)  # fmt: skip
def test_what_is_told_anew_asks_a_terminal_nothing(question: bytes) -> None:
    assert retold(b"/ # " + question + b"ls\r\n") == b"/ # ls\r\n"


def test_what_is_told_anew_looks_as_it_did() -> None:
    screen = (
        b"\x1b[2J\x1b[01;31mBds\x1b[0m \x1b[?25l\x1b[2 q\x1b[10;5H\x1b]0;why?\x07\x1b[?2004h\x1b(B\xc3\xa4? [6n\r\n"
    )
    assert retold(screen) == screen


def test_plain_text_and_last_lines() -> None:
    screen = b"\x1b[2J\x1b[01;31mBdsDxe\x1b[0m: loading\r\n\r\n\x1b]0;title\x07tiny: \xff READY\r\n~ # "
    assert plain(screen) == "BdsDxe: loading\n\ntiny: \ufffd READY\n~ # "
    assert last_lines(screen, 2) == "tiny: \ufffd READY\n~ #"
    assert last_lines(screen, 9) == "BdsDxe: loading\ntiny: \ufffd READY\n~ #"
    assert last_lines(screen, 0) == ""
