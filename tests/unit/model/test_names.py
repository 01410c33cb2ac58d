"""Host names."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import Invalid
from innkeeper.model.names import RULE, as_hostname, check_hostname, check_tags, random_name, valid_hostname


@pytest.mark.parametrize("name", ["a_b", "-x", "x-", "666", "münchen", "x" * 64, "", "a.b", "a b", "a\n", "٣"])
def test_S19_names_that_are_refused_with_the_rule(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_hostname(name)
    assert refused.value.fields == {"hostname": [f"{name!r} is not a valid host name: {RULE}"]}
    assert not valid_hostname(name)


@pytest.mark.parametrize("name", ["a", "web1", "1web", "x" * 63, "a-b", "a--b", "6-6"])
def test_names_that_are_taken(name: str) -> None:
    assert check_hostname(name) == name
    assert valid_hostname(name)


def test_case_says_nothing() -> None:
    assert check_hostname("Web1") == "web1"


def test_the_field_is_named() -> None:
    with pytest.raises(Invalid) as refused:
        check_hostname("-", field="name")
    assert list(refused.value.fields) == ["name"]
    assert refused.value.brief.startswith("Invalid name:")


@given(seed=st.integers())
def test_S22_a_generated_name_is_valid(seed: int) -> None:
    name = random_name(random.Random(seed))
    assert check_hostname(name) == name


def test_S22_generated_names_differ() -> None:
    assert len({random_name() for _ in range(50)}) > 25


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("My_VM", "my-vm"),
        ("vm", "vm"),
        ("666", "vm-666"),
        ("-a-", "a"),
        ("müller", "m-ller"),
        ("___", ""),
        ("a" * 80, "a" * 63),
        ("9" * 80, "vm-" + "9" * 60),
    ],
)
def test_V18_a_host_name_near_to_an_instance_name(name: str, expected: str) -> None:
    assert as_hostname(name) == expected


@given(name=st.text(max_size=90))
def test_V18_any_name_becomes_a_valid_one_or_none(name: str) -> None:
    found = as_hostname(name)
    assert found == "" or check_hostname(found) == found


def test_tags_are_kept_once_and_in_their_order() -> None:
    assert check_tags([" ssd", "rack-7", "ssd", "é b"]) == ("ssd", "rack-7", "é b")


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("", "not empty"),
        (" ", "not empty"),
        ("a,b", "no comma"),
        ("a\nb", "control"),
        ("a\0b", "control"),
        ("\x1b[31m", "control"),
        ("x" * 257, "256 characters at most"),
    ],
)
def test_a_tag_that_cannot_be_is_refused_in_short(tag: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_tags(["ssd", tag])
    (told,) = refused.value.fields["tags"]
    assert words in told
    assert len(told) < 150
